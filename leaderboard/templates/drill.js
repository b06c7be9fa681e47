// Samples of a run, or of two runs side by side, loaded shard by shard as they are wanted.
"use strict";

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

const VERDICTS = { 1: ["right", "right"], 0: ["wrong", "wrong"], "-": ["wrong", "not read, counted as wrong"] };
const PAGE = 12;

class Drill {
  constructor(section) {
    this.section = section;
    this.runs = JSON.parse(section.dataset.runs);
    this.types = section.dataset.types.split(" ");
    this.kinds = section.dataset.kinds;
    this.shard = Number(section.dataset.shard);
    this.list = section.querySelector(".samples");
    this.more = section.querySelector(".d-more");
    this.verdict = section.querySelector(".d-verdict");
    this.type = section.querySelector(".d-type");
    this.fillChoices();
    for (const select of [this.verdict, this.type]) select.addEventListener("change", () => this.start());
    this.more.addEventListener("click", () => this.show());
  }

  fillChoices() {
    const [first, second] = this.runs;
    const choices = second
      ? [["differ", "that differ"], ["10", `only ${first.name} right`], ["01", `only ${second.name} right`], ["all", "all"]]
      : [["all", "all"], ["0", "wrong or not read"], ["1", "right"], ["-", "not read"]];
    for (const [value, text] of choices) this.verdict.add(new Option(text, value));
    for (const [index, name] of this.types.entries()) this.type.add(new Option(name.replaceAll("_", " "), index));
  }

  wanted(index) {
    if (this.type.value !== "" && parseInt(this.kinds[index], 36) !== Number(this.type.value)) return false;
    const marks = this.runs.map((run) => run.marks[index]);
    const right = marks.map((mark) => (mark === "1" ? "1" : "0")).join("");
    switch (this.verdict.value) {
      case "all": return true;
      case "differ": return marks.some((mark) => mark !== marks[0]);
      case "-": return marks[0] === "-";
      default: return right === this.verdict.value;
    }
  }

  start() {
    this.found = [...this.kinds].map((_, index) => index).filter((index) => this.wanted(index));
    this.shown = 0;
    this.list.replaceChildren();
    const replies = this.found.length === 1 ? "reply" : "replies";
    this.section.querySelector(".d-count").textContent = `${this.found.length} of ${this.kinds.length} ${replies}`;
    return this.show();
  }

  async show() {
    const part = this.found.slice(this.shown, this.shown + PAGE);
    this.shown += part.length;
    this.more.hidden = this.shown >= this.found.length;
    const cards = await Promise.all(part.map((index) => this.card(index)));
    this.list.append(...cards);
  }

  async card(index) {
    const shard = Math.floor(index / this.shard);
    const at = index % this.shard;
    const [asked, ...replies] = await Promise.all([
      loadShard(this.section.dataset.questions, shard),
      ...this.runs.map((run) => loadShard(run.folder, shard)),
    ]);
    const verdict = this.runs.length === 1 ? VERDICTS[this.runs[0].marks[index]][0] : "";
    const card = element("article", `sample ${verdict}`);
    card.id = this.permalink(index);
    card.append(this.heading(asked, at, index), this.pictures(asked.pictures[at]), element("pre", "", asked.prompt[at]));
    card.append(element("p", "truth", "Right answer: " + asked.options[at][asked.answer[at]]));
    for (const [number, run] of this.runs.entries()) {
      card.append(this.reply(run, replies[number], asked, at, run.marks[index]));
    }
    return card;
  }

  heading(asked, at, index) {
    const heading = element("header");
    const link = element("a", "", asked.id[at]);
    link.href = "#" + this.permalink(index);
    heading.append(link, element("span", "", asked.type[at].replaceAll("_", " ")), element("span", "", `scene ${asked.scene[at]}`));
    if (asked.orders[at] > 1) heading.append(element("span", "", `option order ${asked.order[at] + 1} of ${asked.orders[at]}`));
    return heading;
  }

  pictures(addresses) {
    const box = element("div", "pictures");
    for (const [number, address] of addresses.entries()) {
      const image = element("img");
      image.loading = "lazy";
      image.alt = `picture ${number + 1} of ${addresses.length}`;
      image.src = document.body.dataset.root + address;
      box.append(image);
    }
    return box;
  }

  reply(run, shard, asked, at, mark) {
    const box = element("div", "reply");
    const reading = shard.reading[at] === null ? "nothing" : asked.options[at][shard.reading[at]];
    if (run.name) box.append(element("span", "who", run.name + ": "));
    box.append(element("span", "said", shard.reply[at] || "(empty)"));
    const [verdict, words] = VERDICTS[mark];
    const line = element("div", "small soft", `read as: ${reading}; `);
    line.append(element("span", verdict, words));
    box.append(line);
    return box;
  }

  permalink(index) {
    return `${this.section.dataset.id}/${index}`;
  }

  async open(index) {
    this.verdict.value = "all";
    this.type.value = "";
    this.found = [index];
    this.shown = 0;
    this.list.replaceChildren();
    this.section.querySelector(".d-count").textContent = "one reply, by its address";
    await this.show();
    this.list.firstElementChild.scrollIntoView();
  }
}

function setUpDrills() {
  const drills = [...document.querySelectorAll(".drill")].map((section) => new Drill(section));
  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      const drill = drills.find((one) => one.section === target);
      if (!drill.found) drill.start();
    }
  }, { rootMargin: "300px" });
  drills.forEach((drill) => near.observe(drill.section));
  function follow() {
    const [id, index] = decodeURIComponent(location.hash.slice(1)).split("/");
    const drill = drills.find((one) => one.section.dataset.id === id);
    if (drill && Number(index) < drill.kinds.length) drill.open(Number(index));
  }
  addEventListener("hashchange", follow);
  follow();
}

setUpDrills();
