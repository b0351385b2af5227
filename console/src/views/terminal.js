/** @type {import("../routes.js").View["mount"]} */
export async function mount(root) { root.textContent = "soon"; }
