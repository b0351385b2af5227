// Starts the console: the frame around the page, and one view at a time in it.

import { buildHeader } from "./frame/header.js";
import { buildHelp } from "./frame/help.js";
import { match, parse, withQuery } from "./frame/router.js";
import { buildSearch } from "./frame/search.js";
import { buildStatus } from "./frame/status.js";
import { setToken } from "./live/api.js";
import { Clock } from "./live/clock.js";
import { Events } from "./live/events.js";
import { SkyStream } from "./live/sky.js";
import { SystemState } from "./live/system.js";
import { byId, fill, h, say } from "./parts/dom.js";
import { ROUTES } from "./routes.js";

const clock = new Clock();
const events = new Events();
const sky = new SkyStream();
const system = new SystemState(clock);
const view = byId("view");

/** @type {AbortController | null} */
let mounted = null;
/** @type {(() => void) | void} */
let unmount;
let shown = "";

/** @param {string} text */
function announce(text) {
  say(byId("said"), text);
}

/**
 * @param {string} place
 * @param {{replace?: boolean}} [options]
 */
function go(place, { replace = false } = {}) {
  if (replace) history.replaceState(null, "", place);
  else if (location.hash !== place) history.pushState(null, "", place);
  show();
}

/** @param {Record<string, string | null>} changes */
function keep(changes) {
  const hash = withQuery(location.hash, changes);
  if (hash === location.hash) return;
  history.replaceState(null, "", hash);
  shown = hash;
}

async function show() {
  if (location.hash.startsWith("#token=")) {
    setToken(decodeURIComponent(location.hash.slice(7)));
    history.replaceState(null, "", "#/");
  }
  const hash = location.hash || "#/";
  if (hash === shown) return;
  const first = shown === "";
  shown = hash;
  mounted?.abort();
  unmount?.();
  unmount = undefined;
  const here = new AbortController();
  mounted = here;
  const { path, query } = parse(hash);
  const found = match(path, ROUTES);
  document.dispatchEvent(new CustomEvent("shown", { detail: found?.route }));
  fill(view);
  if (!found) {
    document.title = "No such page · Skyhaul";
    fill(view, h("div", { class: "page" }, h("h1", {}, "No such page"), h("p", {}, h("a", { href: "#/" }, "To the globe"))));
    return undefined;
  }
  const title = found.route.title.replace(/:(\w+)/g, (_, key) => found.params[key]);
  document.title = `${title} · Skyhaul`;
  try {
    const module = await found.route.load();
    if (here.signal.aborted) return undefined;
    const context = { params: found.params, query, events, sky, clock, system, signal: here.signal, go, keep, announce };
    const end = await module.mount(view, context);
    if (here.signal.aborted) end?.();
    else unmount = end;
    if (!first) {
      view.focus({ preventScroll: true });
      announce(title);
    }
  } catch (error) {
    if (here.signal.aborted) return undefined;
    shown = ""; // so that the same address may be tried again
    const text = error instanceof Error ? error.message : String(error);
    fill(
      view,
      h(
        "div",
        { class: "page" },
        h("h1", {}, title),
        h("p", { class: "problem", role: "alert" }, text),
        h("p", {}, h("button", { onclick: () => show() }, "Try again")),
      ),
    );
  }
  return undefined;
}

buildHeader(ROUTES, system);
buildSearch({ go });
buildStatus({ system, events, clock, announce });
buildHelp();
// The link past the navigation moves the focus, and not the address, which names a page here.
document.querySelector(".skip")?.addEventListener("click", (event) => {
  event.preventDefault();
  view.focus();
});
addEventListener("hashchange", show);
addEventListener("popstate", show);
document.addEventListener("signed", () => {
  events.again();
  system.refresh();
});
// The server came back: a page that could not be shown, or that shows what was, is asked for anew.
events.on("up", () => {
  system.refresh();
  if (view.querySelector(".problem[role=alert]")) {
    shown = "";
    show();
  }
});
events.on("slot", () => system.refresh());
events.run();
system.refresh();
show();
