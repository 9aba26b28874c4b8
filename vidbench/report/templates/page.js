"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");
  const { columns, values } = JSON.parse(document.getElementById("data").textContent);
  const table = document.getElementById("cases-table");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const status = document.getElementById("status");
  const input = document.getElementById("filter");
  const place = new Map(columns.map((column, index) => [column.key, index]));
  const texts = rows.map((row, index) =>
    [row.textContent, ...columns.flatMap((column, at) => (column.hidden ? [values[at][index]] : []))].join(" ").toLowerCase(),
  );
  const LIMIT = 500; // rows that are laid out, until all are asked for
  const more = document.getElementById("more");
  let order = rows.map((_, index) => index);
  let fits = rows.map(() => true);
  let limit = LIMIT;
  let sorted = "";

  const known = (value) => value !== null && value !== "" && value !== undefined;

  function sortBy(key, descending) {
    const at = place.get(key);
    const column = values[at];
    const sign = descending ? -1 : 1;
    const compare = columns[at].words ? (a, b) => a.localeCompare(b, "en", { numeric: true }) : (a, b) => a - b;
    order = rows
      .map((_, index) => index)
      .sort((a, b) => {
        // What is unknown comes last, whichever way.
        if (!known(column[a]) || !known(column[b])) return known(column[b]) - known(column[a]) || a - b;
        return sign * compare(column[a], column[b]) || a - b;
      });
    for (const head of heads) {
      if (head.dataset.key === key) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    sorted = `, sorted by ${columns[at].head}, ${descending ? "descending" : "ascending"}`;
    body.append(...order.map((index) => rows[index]));
    draw();
  }

  const CONDITION = /([\w-]+)\s*(<=|>=|!=|<|>|=)\s*("[^"]*"|[^\s,]+)/g;
  const TESTS = {
    "<": (a, b) => a < b,
    ">": (a, b) => a > b,
    "<=": (a, b) => a <= b,
    ">=": (a, b) => a >= b,
    "=": (a, b) => a === b,
    "!=": (a, b) => a !== b,
  };

  // Conditions and words of a filter; a name or a number that is none is said to be wrong.
  function parse(text) {
    const tests = [];
    const wrong = [];
    const rest = text.replace(CONDITION, (all, name, sign, given) => {
      const at = place.get(name.toLowerCase());
      const wanted = given.replace(/^"|"$/g, "").toLowerCase();
      if (at === undefined) {
        wrong.push(`there is no column ${name}`);
      } else if (columns[at].words) {
        if (sign === "=" || sign === "!=") tests.push((index) => TESTS[sign](String(values[at][index]).toLowerCase(), wanted));
        else wrong.push(`${name} is text; compare it with = or !=`);
      } else if (wanted === "" || Number.isNaN(Number(wanted))) {
        wrong.push(`${given} is no number`);
      } else {
        tests.push((index) => known(values[at][index]) && TESTS[sign](values[at][index], Number(wanted)));
      }
      return " ";
    });
    const words = rest.toLowerCase().split(/[\s,]+/).filter((word) => word && word !== "and");
    for (const word of words) {
      if (/[<>=]/.test(word)) wrong.push(`${word} is no whole condition`);
    }
    tests.push((index) => words.every((word) => texts[index].includes(word)));
    return { tests, wrong };
  }

  let complaint = "";

  function filter() {
    const { tests, wrong } = parse(input.value);
    complaint = wrong.join("; ");
    input.setAttribute("aria-invalid", String(wrong.length > 0));
    fits = rows.map((_, index) => wrong.length > 0 || tests.every((test) => test(index)));
    draw();
  }

  // Show what fits, in its order, and say how many that are.
  function draw() {
    let count = 0;
    for (const index of order) {
      rows[index].hidden = !fits[index] || count >= limit;
      count += fits[index] ? 1 : 0;
    }
    const number = (value) => value.toLocaleString("en");
    const some = count === rows.length ? "" : `${number(count)} of `;
    const first = count > limit ? `, the first ${number(limit)} shown` : "";
    const told = `${some}${number(rows.length)} ${rows.length === 1 ? "case" : "cases"}${sorted}${first}`;
    status.textContent = complaint ? `Filter: ${complaint}` : told;
    more.hidden = count <= limit;
  }

  more.addEventListener("click", () => {
    limit = Infinity;
    draw();
    table.closest("[tabindex]").focus();
  });
  heads.forEach((head) => {
    head.querySelector("button").addEventListener("click", () => {
      sortBy(head.dataset.key, head.getAttribute("aria-sort") === "ascending");
    });
  });
  let waiting = 0;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, rows.length > 1000 ? 200 : 0);
  });
  input.form.addEventListener("submit", (event) => {
    event.preventDefault();
    filter();
  });

  // A page opened from a folder may have no storage; then the choice lasts as long as the page.
  const theme = document.getElementById("theme");
  const show = (name) => {
    if (name) root.dataset.theme = name;
    else delete root.dataset.theme;
    theme.value = name;
  };
  try {
    show(localStorage.getItem("vidbench-theme") || "");
  } catch {
    show("");
  }
  theme.addEventListener("change", () => {
    show(theme.value);
    try {
      localStorage.setItem("vidbench-theme", theme.value);
    } catch {
      // kept for this page alone
    }
  });

  draw();

  // A link to a case opens it.
  const open = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target instanceof HTMLDetailsElement) {
      target.open = true;
      target.scrollIntoView();
      target.querySelector("summary").focus({ preventScroll: true });
    }
  };
  addEventListener("hashchange", open);
  open();

  // On paper nothing can be opened.
  const closed = [];
  addEventListener("beforeprint", () => {
    const all = [...document.querySelectorAll("details:not([open])")];
    if (all.length <= 200) closed.push(...all);
    for (const one of closed) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of closed.splice(0)) one.open = false;
  });
})();
