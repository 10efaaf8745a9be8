// @ts-check
/*
 * What a report page does in the browser: reads the selection from the address, adds up the page's data for it, and
 * writes tables, figures and charts. The builder has written the page for the selection it opens with; sums here are
 * made the same way as in reports/views.py, words and formats come from the builder, so nothing is decided twice.
 */
"use strict";

/** @typedef {{label: string, format: string, decimals: number, definition: null | {href: string, text: string, lang: string | null}}} Column */
/** @typedef {{columns: Record<string, Column>, shown: string[], empty: string | null}} Source */
/** @typedef {{over: [number, string][], by: string}} Ratio */
/** @typedef {{sums: Record<string, string[]>, by: string[], ratios: Record<string, Ratio>, shares: Record<string, string>, order: [string, boolean] | null, total: boolean, columns: string[]}} View */
/** @typedef {{name: string, column: string, label: string, options: {value: string, label: string}[], default: string | null, range: boolean, compares: boolean}} Filter */
/** @typedef {Record<string, any>} Row */
/** @typedef {{rows: Row[], total: Row | null}} Result */
/** @typedef {Record<string, any>} Selection a value by filter, [from, to] for ranges, and `compare` */

(() => {
  const holder = document.getElementById("report");
  const siteLinks = /** @type {HTMLAnchorElement[]} */ ([...document.querySelectorAll(".site a")]);
  for (const link of siteLinks) link.dataset.page = link.getAttribute("href") ?? "";

  /** Links to other pages and languages carry the filters along. */
  const carryFilters = (/** @type {string} */ search) => {
    for (const link of siteLinks) link.setAttribute("href", link.dataset.page + search);
  };
  carryFilters(location.search);
  if (!holder) return;

  const report = JSON.parse(holder.textContent ?? "");
  const language = report.language;
  /** @type {Filter[]} */
  const filters = report.filters;
  /** @type {Record<string, Source>} */
  const sources = report.sources;
  /** @type {Record<string, View>} */
  const views = report.views;
  const comparing = filters.find((filter) => filter.compares);

  // Words and numbers

  const NUMERIC = ["number", "money", "percent", "share"];
  /** @type {Map<number, Intl.NumberFormat>} */
  const formatters = new Map();

  const number = (/** @type {number} */ value, /** @type {number} */ decimals) => {
    let formatter = formatters.get(decimals);
    if (!formatter) {
      formatter = new Intl.NumberFormat("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
      formatters.set(decimals, formatter);
    }
    const written = formatter.format(value).replace(/^-(?=[0.,]*$)/, "");
    return written.replace(/[.,]/g, (sign) => (sign === "," ? language.thousands : language.decimal));
  };

  const money = (/** @type {number} */ value, /** @type {number} */ decimals, /** @type {string | null} */ currency) => {
    const written = number(value, decimals);
    if (!currency) return written;
    const prefix = language.prefixes[currency] ?? currency + "\u00a0";
    return written.startsWith("-") ? "-" + prefix + written.slice(1) : prefix + written;
  };

  const month = (/** @type {string} */ day) => language.months[Number(day.slice(5, 7)) - 1] + " " + day.slice(0, 4);

  const date = (/** @type {string} */ day) =>
    language.code === "pt"
      ? `${day.slice(8, 10)}/${day.slice(5, 7)}/${day.slice(0, 4)}`
      : `${Number(day.slice(8, 10))} ${month(day)}`;

  const word = (/** @type {string} */ column, /** @type {any} */ value) => report.words[column]?.[value] ?? value;

  /** A value as `written` of reports/languages.py writes it. */
  const written = (/** @type {string} */ name, /** @type {Column} */ column, /** @type {Row} */ row) => {
    const value = word(name, row[name]);
    if (value === null || value === undefined) return language.missing;
    if (typeof value === "boolean") return language.words[value ? "yes" : "no"];
    if (typeof value === "number") {
      if (column.format === "money") return money(value, column.decimals, row.currency ?? report.currency);
      if (column.format === "percent") return number(value, column.decimals) + "%";
      if (column.format === "share") return number(value * 100, column.decimals) + "%";
      if (column.format === "number") return number(value, column.decimals);
    }
    if (column.format === "month") return month(value);
    if (column.format === "date") return date(value);
    if (column.format === "datetime") return date(value) + value.slice(10, 16);
    return String(value);
  };

  // Data

  /** @type {Record<string, {count: number, columns: Record<string, any[]>}>} */
  const queries = {};
  for (const [name, packed] of Object.entries(report.queries)) {
    /** @type {Record<string, any[]>} */
    const columns = {};
    for (const [column, data] of Object.entries(packed.columns)) {
      if (Array.isArray(data)) columns[column] = data;
      else if (data.at === 0) columns[column] = new Array(packed.count).fill(data.values[0]);
      else columns[column] = data.at.map((/** @type {number} */ place) => data.values[place]);
    }
    queries[name] = { count: packed.count, columns };
  }

  /** The places of a query's rows that belong to the selection. */
  const kept = (/** @type {string} */ query, /** @type {Selection} */ selection) => {
    const { count, columns } = queries[query];
    const tests = filters.filter((filter) => filter.column in columns);
    const places = [];
    next: for (let place = 0; place < count; place++) {
      for (const filter of tests) {
        const value = columns[filter.column][place];
        const wanted = selection[filter.name];
        if (value === null) continue next;
        if (filter.range ? value < wanted[0] || value > wanted[1] : String(value) !== wanted) continue next;
      }
      places.push(place);
    }
    return places;
  };

  /** @returns {Row[]} */
  const queryRows = (/** @type {string} */ query, /** @type {Selection} */ selection) => {
    const columns = Object.entries(queries[query].columns);
    return kept(query, selection).map((place) => Object.fromEntries(columns.map(([name, data]) => [name, data[place]])));
  };

  /** Ratios and shares of sums; null where a sum they need is unknown or nothing is divided by. */
  const derive = (/** @type {View} */ view, /** @type {Row} */ sums, /** @type {Row} */ total) => {
    const row = { ...sums };
    for (const [name, ratio] of Object.entries(view.ratios)) {
      const isKnown = sums[ratio.by] && ratio.over.every(([, column]) => sums[column] !== null);
      const over = ratio.over.reduce((sum, [sign, column]) => sum + sign * sums[column], 0);
      row[name] = isKnown ? over / sums[ratio.by] : null;
    }
    for (const [name, column] of Object.entries(view.shares)) {
      row[name] = total[column] && sums[column] !== null ? sums[column] / total[column] : null;
    }
    return row;
  };

  /** Sums of columns without the tail that adding doubles leaves; unknown where every value added is null. */
  const makeSums = (/** @type {string[]} */ columns) => {
    /** @type {Row} */
    const sums = Object.fromEntries(columns.map((column) => [column, 0]));
    const known = new Set();
    return {
      add: (/** @type {string} */ column, /** @type {number | null} */ value) => {
        if (value === null) {
          if (!known.has(column)) sums[column] = null;
        } else {
          known.add(column);
          sums[column] = (sums[column] ?? 0) + value;
        }
      },
      values: () =>
        Object.fromEntries(columns.map((column) => [column, sums[column] === null ? null : Math.round(sums[column] * 1e6) / 1e6])),
    };
  };

  /** @returns {Result} */
  const aggregate = (/** @type {View} */ view, /** @type {Selection} */ selection) => {
    const summed = Object.values(view.sums).flat();
    /** @type {Map<string, {keys: any[], sums: ReturnType<typeof makeSums>}>} */
    const groups = new Map();
    const all = makeSums(summed);
    for (const [query, columns] of Object.entries(view.sums)) {
      const data = queries[query].columns;
      for (const place of kept(query, selection)) {
        const keys = view.by.map((name) => data[name]?.[place] ?? null);
        const key = JSON.stringify(keys);
        let group = groups.get(key);
        if (!group) groups.set(key, (group = { keys, sums: makeSums(summed) }));
        for (const column of columns) {
          group.sums.add(column, data[column][place]);
          all.add(column, data[column][place]);
        }
      }
    }
    const total = all.values();
    if (!view.by.length && !groups.size) groups.set("", { keys: [], sums: all });
    const rows = [...groups.values()].map(({ keys, sums }) => {
      const named = Object.fromEntries(view.by.map((name, place) => [name, keys[place]]));
      return { ...named, ...derive(view, sums.values(), total) };
    });
    if (view.order) {
      const [column, descends] = view.order;
      const first = view.by[0];
      const compare = (/** @type {any} */ a, /** @type {any} */ b) => (a < b ? -1 : a > b ? 1 : 0);
      if (first) rows.sort((a, b) => compare(String(a[first]), String(b[first])));
      rows.sort((a, b) => {
        const order =
          a[column] === null || b[column] === null
            ? compare(a[column] !== null, b[column] !== null)
            : compare(a[column], b[column]);
        return descends ? -order : order;
      });
    }
    return { rows, total: view.total ? derive(view, total, total) : null };
  };

  /** What was computed for the selections on the screen; a table and its charts show the same rows. */
  /** @type {Map<string, Result>} */
  const results = new Map();

  /** @returns {Result} */
  const resultOf = (/** @type {string} */ source, /** @type {Selection} */ selection) => {
    const key = source + JSON.stringify(filters.map((filter) => selection[filter.name]));
    let result = results.get(key);
    if (!result) {
      result = views[source] ? aggregate(views[source], selection) : { rows: queryRows(source, selection), total: null };
      results.set(key, result);
    }
    return result;
  };

  const queriesOf = (/** @type {string} */ source) => (views[source] ? Object.keys(views[source].sums) : [source]);

  /** What is shown of a source: one result, or two under the names of what is compared. */
  const seriesOf = (/** @type {string} */ source, /** @type {Selection} */ selection) => {
    const first = { name: comparing ? selection[comparing.name] : null, ...resultOf(source, selection) };
    const varies = comparing && queriesOf(source).some((query) => comparing.column in queries[query].columns);
    if (!comparing || !varies || !selection.compare) return [first];
    return [first, { name: selection.compare, ...resultOf(source, { ...selection, [comparing.name]: selection.compare }) }];
  };

  // The selection and the address

  const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form.filters"));

  /** @returns {Selection} */
  const readAddress = () => {
    const asked = new URLSearchParams(location.search);
    /** @type {Selection} */
    const selection = { compare: null };
    for (const filter of filters) {
      const values = filter.options.map((option) => option.value);
      if (filter.range) {
        const at = (/** @type {string} */ end) => values.find((value) => value.slice(0, 7) === asked.get(end));
        const ends = [at("from") ?? values[0], at("to") ?? values[values.length - 1]].sort();
        selection[filter.name] = ends;
      } else {
        const wanted = asked.get(filter.name);
        selection[filter.name] = wanted !== null && values.includes(wanted) ? wanted : filter.default;
        const other = asked.get("compare");
        if (filter.compares && other !== null && values.includes(other) && other !== selection[filter.name]) {
          selection.compare = other;
        }
      }
    }
    return selection;
  };

  /** Only what differs from how the page opens; other pages' filters stay. */
  const writeAddress = (/** @type {Selection} */ selection) => {
    const search = new URLSearchParams(location.search);
    const put = (/** @type {string} */ name, /** @type {string | null} */ value) =>
      value === null ? search.delete(name) : search.set(name, value);
    for (const filter of filters) {
      const values = filter.options.map((option) => option.value);
      if (filter.range) {
        const [from, to] = selection[filter.name];
        put("from", from === values[0] ? null : from.slice(0, 7));
        put("to", to === values[values.length - 1] ? null : to.slice(0, 7));
      } else {
        put(filter.name, selection[filter.name] === filter.default ? null : selection[filter.name]);
        if (filter.compares) put("compare", selection.compare);
      }
    }
    const written = search.toString();
    const address = written ? "?" + written : "";
    if (address !== location.search) history.replaceState(null, "", location.pathname + address + location.hash);
    carryFilters(address);
  };

  const fillForm = (/** @type {Selection} */ selection) => {
    if (!form) return;
    for (const select of form.querySelectorAll("select")) {
      const value = selection[select.dataset.filter ?? ""];
      if (select.name === "compare") select.value = selection.compare ?? "";
      else if (select.name === "from") select.value = value[0].slice(0, 7);
      else if (select.name === "to") select.value = value[1].slice(0, 7);
      else select.value = value;
    }
  };

  /** @returns {Selection} */
  const readForm = () => {
    /** @type {Selection} */
    const selection = { compare: null };
    for (const filter of filters) {
      const value = (/** @type {string} */ name) =>
        /** @type {HTMLSelectElement} */ (form?.elements.namedItem(name)).value;
      if (filter.range) {
        const day = (/** @type {string} */ end) => filter.options.find((option) => option.value.startsWith(value(end)))?.value;
        selection[filter.name] = [day("from"), day("to")].sort();
      } else {
        selection[filter.name] = value(filter.name);
        if (filter.compares) {
          const other = value("compare");
          selection.compare = other && other !== selection[filter.name] ? other : null;
        }
      }
    }
    return selection;
  };

  const tellSelection = (/** @type {Selection} */ selection) => {
    const shown = document.querySelector(".shown");
    if (!shown) return;
    const name = (/** @type {Filter} */ filter, /** @type {string} */ value) =>
      filter.options.find((option) => option.value === value)?.label ?? value;
    shown.textContent = filters
      .map((filter) => {
        const value = selection[filter.name];
        if (filter.range) return `${filter.label}: ${name(filter, value[0])} ${language.words.to} ${name(filter, value[1])}`;
        const other = filter.compares && selection.compare ? ` / ${name(filter, selection.compare)}` : "";
        return `${filter.label}: ${name(filter, value)}${other}`;
      })
      .join(" · ");
  };

  // Tables, figures, charts

  /** @returns {HTMLElement} */
  const make = (/** @type {string} */ tag, /** @type {Record<string, string>} */ attributes, /** @type {(Node | string)[]} */ ...content) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) if (value) made.setAttribute(name, value);
    made.append(...content);
    return made;
  };

  const isNumeric = (/** @type {Column} */ column) => NUMERIC.includes(column.format);

  const head = (/** @type {Column} */ column) =>
    column.definition ? make("a", { class: "term", href: column.definition.href }, column.label) : column.label;

  /** Whether a column's values depend on what is compared. */
  const varies = (/** @type {string} */ source, /** @type {string} */ name) => {
    if (!comparing) return false;
    const view = views[source];
    if (!view) return isNumeric(sources[source].columns[name]);
    const parts = view.ratios[name]
      ? [view.ratios[name].by, ...view.ratios[name].over.map(([, column]) => column)]
      : [view.shares[name] ?? name];
    return Object.entries(view.sums).some(
      ([query, columns]) => comparing.column in queries[query].columns && columns.some((column) => parts.includes(column)),
    );
  };

  const writeTable = (/** @type {HTMLTableElement} */ table, /** @type {Selection} */ selection) => {
    const name = table.dataset.source ?? "";
    const source = sources[name];
    const series = seriesOf(name, selection);
    const own = series.length > 1 ? source.shown.filter((column) => varies(name, column)) : [];
    const common = source.shown.filter((column) => !own.includes(column));
    const keys = common.filter((column) => !isNumeric(source.columns[column]));

    /** @type {{column: string, at: number | null, starts: boolean}[]} of columns that all series share, `at` is null */
    const layout = common.map((column) => ({ column, at: null, starts: false }));
    if (own.length) {
      series.forEach((_, at) => own.forEach((column, place) => layout.push({ column, at, starts: place === 0 })));
    }
    const style = (/** @type {{column: string, starts: boolean}} */ { column, starts }) =>
      [isNumeric(source.columns[column]) ? "number" : "", starts ? "first-of-group" : ""].filter(Boolean).join(" ");

    const heads = layout.map((cell) => make("th", { scope: "col", class: style(cell) }, head(source.columns[cell.column])));
    const groups = make("tr", {});
    if (own.length) {
      groups.append(make("td", { colspan: String(common.length) }));
      for (const { name: model } of series) {
        groups.append(
          make("th", { scope: "colgroup", colspan: String(own.length), class: "group first-of-group" }, word(comparing?.column ?? "", model)),
        );
      }
    }

    /** @type {Map<string, (Row | undefined)[]>} */
    const lines = new Map();
    series.forEach(({ rows }, at) => {
      rows.forEach((row, place) => {
        const key = JSON.stringify(keys.map((column) => row[column])) + (series.length > 1 ? "" : place);
        const line = lines.get(key) ?? [];
        line[at] = row;
        lines.set(key, line);
      });
    });
    const cells = (/** @type {(Row | null | undefined)[]} */ line) =>
      layout.map((cell) => {
        const row = cell.at === null ? line.find(Boolean) : line[cell.at];
        const text = row ? written(cell.column, source.columns[cell.column], row) : language.missing;
        return make("td", { class: style(cell) }, text);
      });
    const body = [...lines.values()].map((line) => make("tr", {}, ...cells(line)));
    if (!body.length) {
      const nothing = source.empty ?? language.words.no_rows;
      body.push(make("tr", {}, make("td", { colspan: String(layout.length), class: "none" }, nothing)));
    }
    const parts = [make("thead", {}, ...(own.length ? [groups] : []), make("tr", {}, ...heads)), make("tbody", {}, ...body)];
    if (series[0].total && lines.size) {
      const total = cells(series.map((result) => result.total));
      layout.forEach((cell, place) => {
        if (!isNumeric(source.columns[cell.column])) total[place].replaceChildren();
      });
      total[0] = make("th", { scope: "row" }, language.words.total);
      parts.push(make("tfoot", {}, make("tr", {}, ...total)));
    }
    table.replaceChildren(...parts);
  };

  const writeFigures = (/** @type {HTMLElement} */ list, /** @type {Selection} */ selection) => {
    const name = list.dataset.figures ?? "";
    const [first, second] = seriesOf(name, selection);
    for (const figure of /** @type {NodeListOf<HTMLElement>} */ (list.querySelectorAll("dd"))) {
      const column = figure.dataset.column ?? "";
      const definition = sources[name].columns[column];
      figure.replaceChildren(written(column, definition, first.rows[0] ?? {}));
      if (second && varies(name, column)) {
        figure.append(make("small", {}, `${word(comparing?.column ?? "", second.name)}: ${written(column, definition, second.rows[0] ?? {})}`));
      }
    }
  };

  /** Rows as a chart reads them: words for codes, days of the reader's calendar for dates, the series in a column. */
  const chartRows = (/** @type {{source: string, months: string[]}} */ chart, /** @type {Selection} */ selection) =>
    seriesOf(chart.source, selection).flatMap(({ name, rows }) =>
      rows.map((row) => {
        /** @type {Row} */
        const ready = {};
        for (const [column, value] of Object.entries(row)) ready[column] = word(column, value);
        if (comparing && name !== null) ready[comparing.column] = word(comparing.column, name);
        for (const column of chart.months) {
          if (row[column]) ready[column] = new Date(`${row[column].slice(0, 10)}T00:00:00`);
        }
        return ready;
      }),
    );

  const tip = make("div", { id: "tip", hidden: "hidden" });
  document.body.append(tip);

  const showTip = (/** @type {any} */ _handler, /** @type {MouseEvent} */ event, /** @type {any} */ _item, /** @type {any} */ value) => {
    tip.hidden = value === null || value === undefined || value === "";
    if (tip.hidden) return;
    const lines = typeof value === "object" ? Object.entries(value) : [["", value]];
    tip.replaceChildren(
      make("dl", {}, ...lines.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, String(text))])),
    );
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(event.clientX + 14, innerWidth - box.width - 4)) + "px";
    tip.style.top = Math.max(4, event.clientY - box.height - 10) + "px";
  };

  /** @type {Map<string, any>} */
  const drawn = new Map();

  const drawChart = async (/** @type {any} */ chart, /** @type {Selection} */ selection) => {
    const rows = chartRows(chart, selection);
    const place = /** @type {HTMLElement} */ (document.querySelector(`[data-chart="${chart.id}"]`));
    const isEmpty = [...chart.measures, ""].some((measure) => rows.every((row) => measure && (row[measure] ?? null) === null));
    const plot = /** @type {HTMLElement} */ (place.parentElement);
    plot.classList.toggle("empty", isEmpty);
    plot.dataset.empty = isEmpty ? sources[chart.source].empty ?? language.words.no_rows : "";
    if (isEmpty) return;
    let view = drawn.get(chart.id);
    if (!view) {
      const vega = /** @type {any} */ (window).vega;
      view = new vega.View(vega.parse(chart.spec), {
        renderer: "svg",
        container: place,
        hover: true,
        locale: report.locale,
        tooltip: showTip,
      });
      drawn.set(chart.id, view);
    }
    await view.data("rows", rows).runAsync();
  };

  const writeAll = async (/** @type {Selection} */ selection, /** @type {boolean} */ isFirst) => {
    results.clear();
    tellSelection(selection);
    if (isFirst && report.charts.length) {
      // The tables already say what the page opens with: the first chart need not wait for them.
      await drawChart(report.charts[0], selection);
      performance.mark("first-chart");
    }
    for (const table of /** @type {NodeListOf<HTMLTableElement>} */ (document.querySelectorAll("table[data-source]"))) {
      writeTable(table, selection);
    }
    for (const list of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("dl[data-figures]"))) {
      writeFigures(list, selection);
    }
    for (const chart of report.charts) {
      if (!isFirst || chart !== report.charts[0]) await drawChart(chart, selection);
      // Between charts the reader may scroll and click.
      if (isFirst) await new Promise((resolve) => setTimeout(resolve));
    }
  };

  // CSV

  /** A cell that spreadsheets read as what it is: quoted where needed, and never as a formula. */
  const csvCell = (/** @type {any} */ value, /** @type {string} */ separator) => {
    if (value === null || value === undefined) return "";
    if (typeof value === "number") return String(value).replace(".", language.decimal);
    const text = /^[=+\-@\t\r]/.test(value) ? "'" + value : String(value);
    return text.includes(separator) || /["\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };

  /** What is shown of a source, all its columns, numbers unrounded; decimals and separators as the language has them. */
  const csvOf = (/** @type {string} */ name, /** @type {Selection} */ selection) => {
    const separator = language.decimal === "," ? ";" : ",";
    const columns = Object.keys(sources[name].columns);
    const lines = [columns.map((column) => csvCell(sources[name].columns[column].label, separator))];
    for (const { name: series, rows } of seriesOf(name, selection)) {
      for (const row of rows) {
        const full = comparing && series !== null ? { [comparing.column]: series, ...row } : row;
        lines.push(columns.map((column) => csvCell(word(column, full[column]), separator)));
      }
    }
    return lines.map((cells) => cells.join(separator) + "\r\n").join("");
  };

  const download = (/** @type {string} */ name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff" + csvOf(name, current)], { type: "text/csv;charset=utf-8" }));
    link.download = `${report.page}-${name}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href));
  };

  // Definitions

  const meaning = /** @type {HTMLDialogElement} */ (make("dialog", { id: "meaning", "aria-labelledby": "meaning-of" }));
  document.body.append(meaning);
  meaning.addEventListener("click", (event) => {
    if (event.target === meaning) meaning.close();
  });

  const showMeaning = (/** @type {Column} */ column) => {
    if (!column.definition) return;
    const { href, text, lang } = column.definition;
    const close = make("button", { type: "button" }, language.words.close);
    close.addEventListener("click", () => meaning.close());
    meaning.replaceChildren(
      make("h2", { id: "meaning-of" }, column.label),
      make("p", lang ? { lang } : {}, text),
      make("p", {}, make("a", { href: href }, language.words.definitions)),
      close,
    );
    meaning.showModal();
  };

  document.addEventListener("click", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const csv = /** @type {HTMLElement | null} */ (target.closest("[data-csv]"));
    if (csv) download(csv.dataset.csv ?? "");
    const term = target.closest("a.term");
    if (!term || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const href = term.getAttribute("href");
    const column = Object.values(sources)
      .flatMap((source) => Object.values(source.columns))
      .find((candidate) => candidate.definition?.href === href && candidate.label === term.textContent);
    if (column) {
      event.preventDefault();
      showMeaning(column);
    }
  });

  // Start

  let current = readAddress();
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-csv]"))) button.hidden = false;
  if (form) {
    form.hidden = false;
    fillForm(current);
    const change = async () => {
      const started = performance.now();
      current = readForm();
      fillForm(current);
      writeAddress(current);
      await writeAll(current, false);
      performance.measure("switch", { start: started });
    };
    form.addEventListener("change", change);
    form.addEventListener("reset", (event) => {
      event.preventDefault();
      history.replaceState(null, "", location.pathname + location.hash);
      fillForm(readAddress());
      change();
    });
    form.addEventListener("submit", (event) => event.preventDefault());
  }
  addEventListener("popstate", () => {
    current = readAddress();
    fillForm(current);
    writeAll(current, false);
  });
  writeAll(current, true).then(() => performance.mark("all-charts"));
})();
