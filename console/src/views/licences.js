// What authorities permit: the service in a territory, with conditions in words, and terminal models.

import { all } from "../live/api.js";
import { attempt, controlBar, during, troubleBox } from "../control/bar.js";
import { h, put } from "../parts/dom.js";
import { makeTable } from "../parts/table.js";
import { instant } from "../parts/words.js";

/** @type {import("../routes.js").View["mount"]} */
export async function mount(root, { signal, query, keep }) {
  const time = h("input", { id: "at", size: 22, placeholder: "now", value: query.get("time") ?? "" });
  const trouble = troubleBox();
  const recorded = { title: "Recorded", value: (/** @type {any} */ f) => `${instant(f.recorded_at)} by ${f.author}`, sort: (/** @type {any} */ f) => f.recorded_at };
  const source = { title: "Source", value: (/** @type {any} */ f) => f.source, sort: (/** @type {any} */ f) => f.source };
  const holds = { title: "Holds", value: during, sort: (/** @type {any} */ f) => f.valid_from };
  const licences = makeTable({
    caption: "Licences in force",
    columns: [
      { title: "Territory", value: (l) => l.territory, sort: (l) => l.territory },
      { title: "Authority", value: (l) => l.authority, sort: (l) => l.authority },
      { title: "Permits", value: (l) => l.service_classes.join(", "), sort: (l) => l.service_classes.join() },
      { title: "Conditions", value: (l) => l.conditions || "none: in all of the territory, for every approved model", sort: (l) => l.conditions },
      holds,
      source,
      recorded,
    ],
    id: (l) => l.id,
    empty: "no licence is in force",
  });
  const approvals = makeTable({
    caption: "Type approvals in force",
    columns: [
      { title: "Model", value: (a) => a.model, sort: (a) => a.model },
      { title: "Authority", value: (a) => a.authority, sort: (a) => a.authority },
      { title: "Where", value: (a) => a.territory || "in all of its territories", sort: (a) => a.territory },
      { title: "Software", value: (a) => a.software.join(", ") || "any", sort: (a) => a.software.join() },
      holds,
      source,
      recorded,
    ],
    id: (a) => a.id,
    empty: "no model is approved",
  });
  put(
    root,
    h(
      "div",
      { class: "page" },
      h("div", { class: "head" }, h("h1", {}, "Licences and type approvals"), controlBar("/licences")),
      h("div", { class: "row" }, h("label", {}, "In force at ", time)),
      trouble,
      h("section", { class: "panel", "aria-label": "Licences" }, licences.element),
      h("section", { class: "panel", "aria-label": "Type approvals" }, approvals.element),
    ),
  );
  const load = () =>
    attempt(trouble, async () => {
      const asked = { time: time.value.trim() };
      keep({ time: time.value.trim() || null });
      const [permitted, approved] = await Promise.all([all("/licences", asked, { signal }), all("/type-approvals", asked, { signal })]);
      licences.show(permitted);
      approvals.show(approved);
    });
  time.addEventListener("change", load);
  await load();
  root.dataset.ready = "yes";
  signal.addEventListener("abort", () => delete root.dataset.ready);
}
