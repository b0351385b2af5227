// Addresses after the `#`, so that any page can be linked to and the server needs to know none of them.

/** @typedef {import("../routes.js").Route} Route */

/**
 * @param {string} hash  `#/terminal/kyiv?t=…`
 * @returns {{path: string, query: URLSearchParams}}
 */
export function parse(hash) {
  const [path, ...rest] = hash.replace(/^#/, "").split("?");
  return { path: path || "/", query: new URLSearchParams(rest.join("?")) };
}

/**
 * @param {string} path
 * @param {Route[]} routes
 * @returns {{route: Route, params: Record<string, string>} | null}
 */
export function match(path, routes) {
  const given = path.split("/").filter(Boolean);
  for (const route of routes) {
    const wanted = route.path.split("/").filter(Boolean);
    if (wanted.length !== given.length) continue;
    /** @type {Record<string, string>} */
    const params = {};
    const fits = wanted.every((part, i) => {
      if (!part.startsWith(":")) return part === given[i];
      try {
        params[part.slice(1)] = decodeURIComponent(given[i]);
      } catch {
        return false; // a lone % in the address
      }
      return true;
    });
    if (fits) return { route, params };
  }
  return null;
}

/**
 * The hash with some of its query changed; null takes a key away.
 * @param {string} hash
 * @param {Record<string, string | null>} changes
 */
export function withQuery(hash, changes) {
  const { path, query } = parse(hash);
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) query.delete(key);
    else query.set(key, value);
  }
  return `#${path}${query.size ? `?${query}` : ""}`;
}
