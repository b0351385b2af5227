// The navigation, the theme and signing in.

import { setToken, token } from "../live/api.js";
import { byId, fill, h, say } from "../parts/dom.js";

const THEME = "skyhaul.theme";

/**
 * @param {import("../routes.js").Route[]} routes
 * @param {import("../live/system.js").SystemState} system
 */
export function buildHeader(routes, system) {
  const navigation = byId("navigation");
  const links = routes
    .filter((route) => route.nav)
    .map((route) => /** @type {const} */ ([route, h("a", { href: `#${route.path}` }, route.nav)]));
  fill(navigation, ...links.map(([, link]) => link));
  document.addEventListener("shown", (event) => {
    const route = /** @type {CustomEvent} */ (event).detail;
    for (const [mine, link] of links) {
      const current = route && (route === mine || route.group === mine.path);
      if (current) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  });
  fill(byId("tools"), themeButton(), ...signIn(system));
}

function themeButton() {
  const root = document.documentElement;
  const preferred = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  root.dataset.theme = localStorage.getItem(THEME) ?? preferred;
  const name = () => (root.dataset.theme === "light" ? "Dark" : "Light");
  const button = h("button", {
    title: "Colours of the page",
    onclick: () => {
      root.dataset.theme = root.dataset.theme === "light" ? "dark" : "light";
      localStorage.setItem(THEME, root.dataset.theme);
      say(button, name());
      document.dispatchEvent(new CustomEvent("theme"));
    },
  });
  say(button, name());
  return button;
}

/** @param {import("../live/system.js").SystemState} system */
function signIn(system) {
  const input = h("input", { type: "password", id: "token", autocomplete: "off", size: 40 });
  const roles = h("p", { class: "quiet" });
  const leave = h("button", { type: "button" }, "Sign out");
  const dialog = h(
    "dialog",
    { "aria-labelledby": "sign-in" },
    h("h2", { id: "sign-in" }, "Sign in"),
    roles,
    h(
      "form",
      {
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          setToken(input.value.trim() || null);
          dialog.close();
        },
      },
      h("p", {}, h("label", { for: "token" }, "Token "), input),
      h("div", { class: "row" }, h("button", { class: "main" }, "Sign in"), leave, h("button", { type: "button", onclick: () => dialog.close() }, "Close")),
    ),
  );
  leave.addEventListener("click", () => {
    setToken(null);
    dialog.close();
  });
  const button = h("button", {
    onclick: () => {
      input.value = "";
      leave.hidden = !token();
      dialog.showModal();
    },
  }, "Sign in");
  system.on((state) => {
    const held = state.latest?.roles ?? [];
    say(button, token() ? "Signed in" : "Sign in");
    say(roles, held.length ? `You may act as: ${held.join(", ")}.` : "Without a token the console reads only.");
  });
  return [button, dialog];
}
