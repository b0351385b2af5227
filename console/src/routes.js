// All pages of the console. A view is a module with `mount`; it is loaded when first shown.

/**
 * What a view is given.
 * @typedef {object} Context
 * @property {Record<string, string>} params  parts of the address, `{id: "kyiv"}`
 * @property {URLSearchParams} query  after the `?` of the address
 * @property {import("./live/events.js").Events} events
 * @property {import("./live/sky.js").SkyStream} sky
 * @property {import("./live/clock.js").Clock} clock
 * @property {import("./live/system.js").SystemState} system
 * @property {AbortSignal} signal  ends with the view: give it to every request
 * @property {(place: string, options?: {replace?: boolean}) => void} go  to another page, `#/terminal/kyiv`
 * @property {(changes: Record<string, string | null>) => void} keep  parts of the query, without mounting again
 * @property {(text: string) => void} announce  to people who hear the page
 */

/**
 * `mount` puts the view into an empty element and returns what takes it away again; what it rejects with is shown.
 * @typedef {{mount: (root: HTMLElement, context: Context) => Promise<(() => void) | void> | (() => void) | void}} View
 */

/**
 * @typedef {object} Route
 * @property {string} path  `/terminal/:id`
 * @property {string} title  of the page; `:id` stands for that part
 * @property {string} [nav]  its word in the navigation; none: not there
 * @property {string} [group]  path of the navigation entry that this page belongs to
 * @property {() => Promise<View>} load
 */

/** @type {Route[]} */
export const ROUTES = [
  { path: "/", title: "Globe", nav: "Globe", load: () => import("./views/globe.js") },
  { path: "/map", title: "Cells", nav: "Map", load: () => import("./views/map.js") },
  { path: "/terminals", title: "Terminals", nav: "Terminals", load: () => import("./views/terminals.js") },
  { path: "/terminal/:id", title: ":id", group: "/terminals", load: () => import("./views/terminal.js") },
  { path: "/satellites", title: "Satellites", nav: "Satellites", load: () => import("./views/satellites.js") },
  { path: "/satellite/:number", title: "Satellite :number", group: "/satellites", load: () => import("./views/satellite.js") },
  { path: "/territory", title: "Territory", nav: "Control", load: () => import("./views/territory.js") },
  { path: "/licences", title: "Licences and type approvals", group: "/territory", load: () => import("./views/licences.js") },
  { path: "/orders", title: "Orders", group: "/territory", load: () => import("./views/orders.js") },
  { path: "/orders/draft", title: "Draft an order", group: "/territory", load: () => import("./views/orderdraft.js") },
  { path: "/order/:id", title: ":id", group: "/territory", load: () => import("./views/order.js") },
  { path: "/allow-lists", title: "Allow-lists", group: "/territory", load: () => import("./views/allowlists.js") },
  { path: "/check", title: "Check a place", group: "/territory", load: () => import("./views/check.js") },
  { path: "/log", title: "The log", group: "/territory", load: () => import("./views/log.js") },
  { path: "/ground", title: "Gateways and points of presence", nav: "Ground", load: () => import("./views/ground.js") },
];
