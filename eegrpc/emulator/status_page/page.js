// Draws what /emulator/page/state.json says, every two seconds while somebody looks. All text goes in as text, never as markup.

const EVERY = 2000; // milliseconds
const SHOWN_COLOURS = ["#1a73e8", "#d9730d", "#188038", "#a142f4", "#c5221f", "#00838f", "#b8860b", "#8d6e63"];

const $ = (selector) => document.querySelector(selector);
const colour = (index) => SHOWN_COLOURS[index % SHOWN_COLOURS.length];
const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

function element(tag, attributes = {}, ...children) {
  const space = ["svg", "g", "path", "circle", "rect"].includes(tag) ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml";
  const made = document.createElementNS(space, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

async function json(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${answer.statusText}`);
  return answer.json();
}

// ------------------------------------------------------------------------------------------------------- collections

async function drawCollections(collections) {
  const land = await (await fetch("/emulator/page/land.txt")).text();
  const svg = element("svg", { viewBox: "-180 -90 360 180", role: "img", "aria-label": "Footprints of the collections" });
  svg.append(element("path", { class: "land", d: land }));
  let net = "";
  for (let x = -150; x < 180; x += 30) net += `M${x},-90V90`;
  for (let y = -60; y < 90; y += 30) net += `M-180,${y}H180`;
  svg.append(element("path", { class: "net", d: net }));
  const body = $("#collections tbody");
  body.replaceChildren();
  collections.forEach((collection, index) => {
    const group = element("g", { fill: colour(index), stroke: colour(index) });
    const row = element("tr", {},
      element("td", {}, element("span", { class: "swatch", style: `background:${colour(index)}` }), element("code", {}, collection.id)),
      element("td", { class: "number" }, collection.count.toLocaleString("en")),
      element("td", {}, collection.start ?? "–"),
      element("td", {}, collection.end ?? "–"));
    for (const ring of collection.footprints) {
      const xs = ring.map(([x]) => x), ys = ring.map(([, y]) => y);
      const [west, east, south, north] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
      // What covers the world is an outline, or it would cover the map as well.
      const kind = east - west > 300 ? "footprint wide" : "footprint";
      group.append(element("path", { class: kind, d: `M${ring.map(([x, y]) => `${x},${-y}`).join("L")}Z` }));
      // A scene is smaller than a pixel: a dot says where to look.
      if (east - west < 4 && north - south < 4) {
        group.append(element("circle", { class: "place", cx: (west + east) / 2, cy: -(south + north) / 2, r: 1.4 }));
      }
    }
    const light = (on) => {
      row.classList.toggle("lit", on);
      for (const other of svg.querySelectorAll("g")) other.classList.toggle("dim", on && other !== group);
    };
    for (const each of [row, group]) {
      each.addEventListener("mouseenter", () => light(true));
      each.addEventListener("mouseleave", () => light(false));
    }
    svg.append(group);
    body.append(row);
  });
  $("#map").replaceChildren(svg);
}

// ---------------------------------------------------------------------------------------------------------- requests

function drawRequest(request) {
  const milliseconds = request.duration * 1000;
  const good = request.status === "OK";
  const details = element("details", { class: "request", "data-number": request.number },
    element("summary", {},
      element("span", { class: "when" }, new Date(request.time * 1000).toISOString().slice(11, 23)),
      element("span", { class: good ? "good" : "bad" }, request.status),
      element("span", { class: "grow" }, `${request.method}  ${request.project}`),
      element("span", {}, good && request.method === "computeImages" ? counted(request.images, "image") : ""),
      element("span", { class: "quiet" }, request.protocol),
      element("span", { class: "when" }, `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`)));
  details.addEventListener("toggle", async () => {
    if (!details.open || details.querySelector(".inside")) return;
    const inside = element("div", { class: "inside" });
    details.append(inside);
    try {
      const whole = await json(`/emulator/page/requests/${request.number}.json`);
      if (whole.message) inside.append(element("p", { class: "message" }, whole.message));
      const facts = [
        whole.page_size && `page size ${whole.page_size}`,
        whole.page_token && `page token ${whole.page_token.slice(0, 12)}…`,
        whole.field_mask && `fields ${whole.field_mask}`,
        whole.workload_tag && `workload tag ${whole.workload_tag}`,
        whole.assumptions.length && `rests on ${whole.assumptions.join(", ")}`,
      ].filter(Boolean);
      if (facts.length) inside.append(element("p", { class: "quiet" }, facts.join(" · ")));
      if (whole.expression) inside.append(drawBlock(whole.expression));
    } catch (error) {
      details.open = false;
      inside.remove();
      say(error);
    }
  });
  return details;
}

function drawRequests(requests) {
  const list = $("#requests");
  const known = new Map([...list.querySelectorAll(".request")].map((each) => [each.dataset.number, each]));
  if (!requests.length && !known.size) return;
  // What is open stays as it is.
  list.replaceChildren(...requests.map((request) => known.get(String(request.number)) ?? drawRequest(request)));
}

// ------------------------------------------------------------------------------------------------ expressions as trees

function drawBlock(block) {
  const lines = block.values.map(({ name, value }) =>
    element("div", { class: "value" }, element("span", { class: "ref" }, name), " = ", drawValue(value)));
  return element("div", { class: "tree code" }, ...lines, element("div", { class: "value" }, drawValue(block.returns)));
}

function isPlain(value) {
  if ("constant" in value || "name" in value || "argument" in value || "elided" in value) return true;
  return "list" in value && value.list.every(isPlain) && value.list.length <= 4;
}

function drawPlain(value) {
  if ("constant" in value) return element("span", { class: "text" }, JSON.stringify(value.constant));
  if ("name" in value) return element("span", { class: "ref" }, value.name);
  if ("argument" in value) return element("span", { class: "ref" }, value.argument);
  if ("list" in value) {
    const items = value.list.flatMap((item, index) => (index ? [", ", drawPlain(item)] : [drawPlain(item)]));
    return element("span", {}, "[", ...items, value.more ? `, … ${value.more} more` : "", "]");
  }
  return element("span", { class: "quiet" }, "…");
}

function drawBranch(head, entries, more) {
  const items = entries.map(([key, value]) => element("li", {}, element("span", { class: "key" }, key), drawValue(value)));
  if (more) items.push(element("li", { class: "quiet" }, `… ${more} more`));
  return element("details", { open: "" }, element("summary", {}, head), element("ul", {}, ...items));
}

function drawValue(value) {
  if (isPlain(value)) return drawPlain(value);
  if ("call" in value || "apply" in value) {
    const entries = Object.entries(value.arguments);
    const name = "call" in value ? element("span", { class: "call" }, value.call) : drawValue(value.apply);
    if (entries.length <= 3 && entries.every(([, each]) => isPlain(each))) {
      const shown = entries.flatMap(([key, each], index) => [index ? ", " : "", element("span", { class: "key" }, `${key}: `), drawPlain(each)]);
      return element("span", {}, name, "(", ...shown, ")");
    }
    return drawBranch(name, entries.map(([key, each]) => [`${key}: `, each]), value.more);
  }
  if ("list" in value) return drawBranch("list", value.list.map((each) => ["", each]), value.more);
  if ("dictionary" in value) {
    return drawBranch("dictionary", Object.entries(value.dictionary).map(([key, each]) => [`${key}: `, each]), value.more);
  }
  if ("function" in value) {
    return element("details", { open: "" },
      element("summary", {}, element("span", { class: "ref" }, `(${value.function.join(", ")}) →`)),
      element("ul", {}, element("li", {}, drawBlock(value))));
  }
  return drawPlain(value);
}

// --------------------------------------------------------------------------------------------------------- functions

function drawFunctions(rooms) {
  const list = $("#functions");
  list.replaceChildren(...rooms.map((room) =>
    element("div", { class: "room" }, element("h3", {}, room.title),
      element("dl", {}, ...room.functions.map((each) => {
        const [, name, rest] = each.signature.match(/^([^(]+)(.*)$/);
        const term = element("dt", { class: "code" }, element("span", { class: "call" }, name), rest);
        if (each.needsPixels) term.append(element("span", { class: "stub" }, "needs a stub"));
        return element("div", { class: "function", "data-name": name.toLowerCase() }, term, element("dd", {}, each.summary));
      })))));
  $("#search").addEventListener("input", search);
  search();
}

function search() {
  const wanted = $("#search").value.trim().toLowerCase();
  let found = 0;
  for (const room of document.querySelectorAll(".room")) {
    let here = 0;
    for (const each of room.querySelectorAll(".function")) {
      each.hidden = !each.dataset.name.includes(wanted);
      here += !each.hidden;
    }
    room.hidden = !here;
    found += here;
  }
  $("#found").textContent = counted(found, "function");
}

// -------------------------------------------------------------------------------------------------------------- state

function say(error) {
  $("#trouble").hidden = !error;
  $("#trouble").textContent = error ? `The emulator does not answer: ${error.message}` : "";
}

let drawn = ""; // which catalog

async function refresh() {
  try {
    const state = await json("/emulator/page/state.json");
    const facts = [location.host, `eegrpc ${state.version}`, `${counted(state.images, "image")} in ${counted(state.collections, "collection")}`, counted(state.requested, "request")];
    if (state.quota) facts.push(`quota ${state.quota}`);
    if (state.faults.length) facts.push(`faults ${state.faults.join(", ")}`);
    $("#facts").textContent = facts.join(" · ");
    for (const each of document.querySelectorAll(".host")) each.textContent = location.host;
    drawRequests(state.requests);
    if (state.catalog !== drawn) {
      await drawCollections(await json("/emulator/page/collections.json"));
      drawn = state.catalog;
    }
    say(null);
  } catch (error) {
    say(error);
  }
}

async function keepFresh() {
  if (!document.hidden) await refresh();
  setTimeout(keepFresh, EVERY);
}

drawFunctions(await json("/emulator/page/functions.json"));
document.addEventListener("visibilitychange", () => document.hidden || refresh());
keepFresh();
