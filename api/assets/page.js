// What the pages' programs make of the page.

/** An element with this text in it, never markup, and these properties. */
export const make = (tag, text = "", properties = {}) =>
  Object.assign(document.createElement(tag), { textContent: text, ...properties });
