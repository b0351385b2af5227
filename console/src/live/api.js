// The HTTP API: one place that knows addresses, tokens and problems.

export const BASE = "/api/v1";
const TOKEN = "skyhaul.token";

/** What the server refused, in its own words. */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {string} title
   * @param {string} [detail]
   * @param {string} [mend]
   */
  constructor(status, title, detail = "", mend = "") {
    super([title, detail, mend].filter(Boolean).join(": "));
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.mend = mend;
  }
}

/** The server did not answer at all. */
export class Unreachable extends Error {}

/** @returns {string | null} */
export function token() {
  return sessionStorage.getItem(TOKEN);
}

/** @param {string | null} value  null signs out */
export function setToken(value) {
  if (value) sessionStorage.setItem(TOKEN, value);
  else sessionStorage.removeItem(TOKEN);
  document.dispatchEvent(new CustomEvent("signed"));
}

/** @returns {Record<string, string>} */
export function authorization() {
  const held = token();
  return held ? { Authorization: `Bearer ${held}` } : {};
}

/**
 * Asks the API.
 * @param {string} path  below the base, `/terminals/kyiv`
 * @param {Record<string, string | number | null | undefined>} [query]  empty values are left out
 * @param {{method?: string, body?: unknown, signal?: AbortSignal}} [options]
 * @returns {Promise<any>}
 */
export async function ask(path, query = {}, { method = "GET", body, signal } = {}) {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query))
    if (value !== null && value !== undefined && value !== "") search.set(key, String(value));
  const tail = search.size ? `?${search}` : "";
  /** @type {Response} */
  let response;
  try {
    response = await fetch(`${BASE}${path}${tail}`, {
      method,
      signal,
      headers: {
        Accept: "application/json",
        ...authorization(),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Unreachable("the server does not answer");
  }
  if (response.status === 204) return null;
  const type = response.headers.get("Content-Type") ?? "";
  const answer = type.includes("json") ? await response.json() : null;
  if (!response.ok) {
    const title = answer?.title ?? response.statusText ?? `status ${response.status}`;
    const detail = typeof answer?.detail === "string" ? answer.detail : "";
    throw new Problem(response.status, title, detail, answer?.mend ?? "");
  }
  return answer;
}

/** As many items as a table or a picture takes in; beyond it, a search finds what is meant. */
export const MANY = 2000;

/**
 * All items of a list, page by page.
 * @param {string} path
 * @param {Record<string, string | number | null | undefined>} [query]
 * @param {{limit?: number, signal?: AbortSignal}} [options]  limit: at most so many items
 * @returns {Promise<any[]>}
 */
export async function all(path, query = {}, { limit = 20_000, signal } = {}) {
  /** @type {any[]} */
  const items = [];
  /** @type {string | null} */
  let cursor = null;
  do {
    const page = /** @type {any} */ (await ask(path, { limit: 1000, ...query, cursor }, { signal }));
    items.push(...page.items);
    cursor = page.next ?? null;
  } while (cursor && items.length < limit);
  return items;
}
