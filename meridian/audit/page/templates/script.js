"use strict";
/* Writes text, never markup: everything in the data is untrusted. */

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const PAGE = 100; // rows of the table that are written at once
const MOST_PRINTED = 1000; // rows of the table; some 30 sheets of paper

/* Elements */

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function icon(outcome) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", `icon ${outcome}`);
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#${outcome}`);
  svg.append(use);
  return svg;
}

/* JSON with line breaks and indents, as pretty.py lays it out: not parsed, so that what is cut off is shown too. */
function pretty(text) {
  if (!/^\s*[[{]/.test(text)) return text;
  let out = "", depth = 0, before = "";
  for (const [part] of text.matchAll(/"(?:[^"\\]|\\[^])*"?|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    const closes = part === "}" || part === "]", opened = before === "{" || before === "[";
    if (closes) depth -= 1;
    if (before === "," || closes !== opened) out += "\n" + "  ".repeat(Math.min(Math.max(depth, 0), 24));
    out += part === ":" ? ": " : part;
    if (part === "{" || part === "[") depth += 1;
    before = part;
  }
  return out;
}

/* The table of steps */

const texts = data.texts.map((text) => text.toLowerCase());
const rows = data.steps.map((step, place) => {
  const own = [step.name, step.place, step.kind, step.region, step.error, step.detail, step.mapRun, data.executions[step.execution]];
  for (const change of step.changes || []) own.push(...change);
  for (const attempt of step.attempts || []) own.push(attempt[3]);
  return { step, place, own: own.filter(Boolean).join("\n").toLowerCase(), texts: textsOf(step) };
});
const places = new Map(); // of rows, by the key of each stay that something points at
for (const { step, place } of rows) {
  places.set(step.key, place);
  for (const id of step.also || []) places.set(`${step.execution}-${id}`, place);
}
let matching = rows;
let written = 0;

function textsOf(step) {
  const payloads = [step.input, step.output].filter(Boolean).map((payload) => payload[0]);
  const causes = (step.attempts || []).map((attempt) => attempt[4]);
  return [...payloads, ...causes, step.resource, step.child, step.cause].filter(Boolean);
}

function search() {
  const terms = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const hits = terms.map((term) => texts.map((text) => text.includes(term)));
  const outcome = byId("outcome").value, region = byId("region").value;
  matching = rows.filter(
    (row) =>
      (!outcome || row.step.outcome === outcome) &&
      (!region || row.step.region === region) &&
      terms.every((term, number) => row.own.includes(term) || row.texts.some((text) => hits[number][text]))
  );
  byId("table").tBodies[0].replaceChildren();
  written = 0;
  writeMore(PAGE);
  byId("found").textContent = `${matching.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} steps`;
}

function writeMore(count) {
  const until = Math.min(written + count, matching.length);
  byId("table").tBodies[0].append(...matching.slice(written, until).map(rowOf));
  written = until;
  const left = matching.length - written;
  byId("more").hidden = !left;
  byId("more").textContent = `Show ${Math.min(PAGE, left)} more of ${left.toLocaleString("en")}`;
}

/* On paper nothing can be asked for. */
function writeForPaper() {
  writeMore(Math.max(MOST_PRINTED - written, 0));
  const left = matching.length - written;
  byId("unprinted").hidden = !left;
  byId("unprinted").textContent = `${left.toLocaleString("en")} more steps are in the file, and not printed.`;
}

function rowOf({ step }) {
  const button = make("button", { type: "button", "aria-expanded": "false" }, step.name);
  const name = make("th", { scope: "row" }, button);
  if (step.place) name.append(make("span", { class: "note" }, step.place));
  const number = (value) => make("td", { class: "number" }, value ? String(value) : "");
  const row = make("tr", { id: `step-${step.key}` }, name);
  row.append(
    make("td", {}, data.executions[step.execution]),
    make("td", { class: "nowrap" }, step.region || ""),
    make("td", { class: "outcome" }, icon(step.outcome), data.outcomes[step.outcome]),
    number(step.began), number(step.took), number(step.waited), number(step.looks), number(step.retries)
  );
  button.addEventListener("click", () => toggle(row, button, step));
  return row;
}

function toggle(row, button, step) {
  const opens = button.getAttribute("aria-expanded") === "false";
  button.setAttribute("aria-expanded", String(opens));
  if (opens) row.after(make("tr", { class: "detail", id: `detail-${step.key}` }, make("td", { colspan: "9" }, detailOf(step))));
  else row.nextElementSibling.remove();
  if (opens) button.setAttribute("aria-controls", `detail-${step.key}`);
  else button.removeAttribute("aria-controls");
}

function detailOf(step) {
  const list = make("dl");
  const add = (name, ...values) => list.append(make("dt", {}, name), ...values.map((value) => make("dd", {}, value)));
  const code = (text) => make("code", {}, text);
  add("Kind", step.kind);
  if (step.detail) add("Waited for", step.detail);
  if (step.resource) add("Called", code(data.texts[step.resource]));
  if (step.child) add("Started", code(data.texts[step.child]));
  if (step.mapRun) add("Map Run", code(step.mapRun));
  if (step.unknown) add("Unknown events", ...step.unknown);
  if (step.error) add("Error", code(step.error));
  if (step.cause) add("Cause", block("Cause", data.texts[step.cause]));
  if (step.tried > 1) add("Attempts", ...(step.attempts || []).map(attemptOf), `${step.tried} in all${step.worked ? `; took ${step.worked} of work` : ""}`);
  if (step.changes) add("Changed", ...step.changes.map(changeOf));
  if (step.input) add("Input", ...payloadOf("Input", step.input));
  if (step.output) add("Output", ...payloadOf("Output", step.output));
  return list;
}

function attemptOf([began, took, outcome, error, cause]) {
  const words = `at ${began}, ${took}: ${data.outcomes[outcome]}${error ? ", " : ""}`;
  const line = make("span", {}, icon(outcome), " ", words, error ? make("code", {}, error) : "");
  if (cause) line.append(block("Cause of the attempt", data.texts[cause]));
  return line;
}

function changeOf([operation, region, resource, request]) {
  return make("span", {}, `${operation} ${resource} in ${region}, request `, make("code", {}, request || "unknown"));
}

function payloadOf(name, [text, size, truncated]) {
  const shown = data.texts[text];
  const cut = truncated || size > shown.length;
  const note = shown ? `The first ${shown.length.toLocaleString("en")} of ${size.toLocaleString("en")} characters.` : "Not recorded.";
  return [...(shown ? [block(name, shown)] : []), ...(cut ? [make("span", { class: "note" }, note)] : [])];
}

function block(name, text) {
  return make("pre", { tabindex: "0", "aria-label": name }, pretty(text));
}

function choices(select, values, words) {
  for (const value of [...new Set(values)].filter(Boolean).sort()) select.append(make("option", { value }, words(value)));
}

/* A link to a step: the table shows it, whatever was searched for before. */
function follow() {
  const target = rows[places.get(location.hash.replace("#step-", ""))];
  if (!target) return;
  if (!matching.includes(target)) {
    for (const id of ["search", "outcome", "region"]) byId(id).value = "";
    search();
  }
  const position = matching.indexOf(target);
  if (position >= written) writeMore(position + 1 - written);
  const row = byId(`step-${target.step.key}`);
  const button = row.querySelector("button");
  if (button.getAttribute("aria-expanded") === "false") button.click();
  row.scrollIntoView({ block: "start" });
  button.focus({ preventScroll: true });
}

/* Theme, folding, keys */

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = theme === "dark" ? "Light" : "Dark";
  byId("theme").setAttribute("aria-label", theme === "dark" ? "Switch to light colours" : "Switch to dark colours");
}

/* A graph may be higher than its frame: show where it failed, which is in the last of those that show a failure. */
function showFailure() {
  const culprit = [...document.querySelectorAll(".graphs figure")].map((one) => one.querySelector(".culprit")).filter(Boolean).pop();
  if (!culprit) return;
  const frame = culprit.closest(".graphs"), outer = frame.getBoundingClientRect(), inner = culprit.getBoundingClientRect();
  if (inner.bottom > outer.bottom) frame.scrollTop += inner.bottom - outer.bottom + outer.height / 3;
  if (inner.right > outer.right) frame.scrollLeft += inner.right - outer.right + 24;
}

function fold(open) {
  for (const details of document.querySelectorAll(".timeline details")) details.open = open;
}

function start() {
  choices(byId("outcome"), data.steps.map((step) => step.outcome), (value) => data.outcomes[value]);
  choices(byId("region"), data.steps.map((step) => step.region), (value) => value);
  for (const id of ["search", "outcome", "region"]) byId(id).addEventListener("input", search);
  byId("more").addEventListener("click", () => writeMore(PAGE));
  byId("fold").addEventListener("click", () => fold(false));
  byId("unfold").addEventListener("click", () => fold(true));
  setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  byId("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
  for (const element of [byId("theme"), byId("fold"), byId("unfold"), document.querySelector(".filters")]) element.hidden = false;
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof Element && event.target.matches("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      byId("search").focus();
    }
  });
  addEventListener("hashchange", follow);
  addEventListener("beforeprint", writeForPaper);
  showFailure();
  search();
  follow();
}

start();
