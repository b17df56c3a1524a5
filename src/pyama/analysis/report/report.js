"use strict";
/* Draws figures from the JSON that follows them: each when it comes into view, all of them for print. */
(() => {
  const isDark = matchMedia("(prefers-color-scheme: dark)");
  const LIGHT = { ink: "#1c2430", paper: "#fff", grid: "#e8ebef", zero: "#cfd5dc", line: "#9aa3ae" };
  const DARK = { ink: "#e3e8ec", paper: "#1d242c", grid: "#313b46", zero: "#4a5663", line: "#7b8794" };
  /* Colours of the data that can hardly be seen on a dark ground, and what replaces them there. */
  const LIGHTER = { "#0072B2": "#3D9BDC", "#6A3D9A": "#B79BDB", "#4D4D4D": "#B0B6BD", "#5A6473": "#A3AEBB",
    "90,100,115": "160,172,188" };
  /* Sizes in px on paper, 182 mm wide; a grid has two columns there. */
  const PRINTED = { width: 676, height: 330 }, PRINTED_IN_GRID = { width: 334, height: 250 };
  const config = { displaylogo: false, modeBarButtons: [[
    { name: "save", title: "Save as SVG", icon: Plotly.Icons.camera, click: save }, "zoom2d", "pan2d", "resetScale2d"]] };
  const charts = [...document.querySelectorAll(".chart")];
  const figures = new Map(); // by element: what a figure shows, as a function of the colours

  const coloursOfPage = () => (isDark.matches ? DARK : LIGHT);

  function read(element, colours) {
    let text = element.nextElementSibling.textContent;
    if (colours === DARK) for (const [from, to] of Object.entries(LIGHTER)) text = text.replaceAll(from, to);
    return JSON.parse(text);
  }

  function layoutOf(own, colours) {
    const { ink, paper, grid, zero, line } = colours;
    const axis = { gridcolor: grid, zerolinecolor: zero, linecolor: line, ticks: "outside", tickcolor: line, ticklen: 4,
      showline: true, automargin: true, title: { standoff: 8 } };
    const layout = { font: { family: "system-ui, Segoe UI, Roboto, Arial, sans-serif", size: 12, color: ink },
      margin: { l: 60, r: 14, t: 40, b: 46 }, paper_bgcolor: paper, plot_bgcolor: paper, hovermode: "closest",
      legend: { orientation: "h", traceorder: "normal", y: 1.02, yanchor: "bottom", x: 0 }, xaxis: axis, yaxis: axis };
    for (const [key, value] of Object.entries(own)) {
      layout[key] = /^[xy]axis/.test(key) ? { ...axis, ...value, title: { ...axis.title, ...value.title } } : value;
    }
    if (layout.title) layout.title = { font: { size: 13 }, x: 0, xref: "paper", ...layout.title };
    return layout;
  }

  function prepare(element) {
    const figure = read(element, LIGHT);
    if (figure.series) return prepareScatter(element, figure);
    return (colours) => {
      const { data, layout } = read(element, colours);
      return { data, layout: layoutOf(layout, colours) };
    };
  }

  function prepareScatter(element, { columns, ranges }) {
    const names = Object.keys(columns);
    const selects = [...element.parentElement.querySelectorAll("select")];
    selects.forEach((select, i) => {
      names.forEach((name) => select.add(new Option(name, name)));
      select.value = names[Math.min(i, names.length - 1)];
      select.addEventListener("change", () => show(element));
    });
    return (colours) => {
      const { series } = read(element, colours);
      const [x, y] = selects.map((select) => select.value);
      const data = series.map(({ name, color, cells, values }) => ({ x: values[x], y: values[y], text: cells, name,
        mode: "markers", marker: { color, size: 5, opacity: 0.55 }, hovertemplate: "%{text}: %{x:.4g}, %{y:.4g}" }));
      return { data, layout: layoutOf({ xaxis: { title: { text: columns[x] }, range: ranges[x] },
        yaxis: { title: { text: columns[y] }, range: ranges[y] }, showlegend: series.length > 1 }, colours) };
    };
  }

  function figureOf(element, colours) {
    if (!figures.has(element)) figures.set(element, prepare(element));
    return figures.get(element)(colours);
  }

  function show(element) {
    const { data, layout } = figureOf(element, coloursOfPage());
    Plotly.purge(element);
    return Plotly.newPlot(element, data, { ...layout, autosize: true }, { ...config, responsive: true });
  }

  function showForPrint(element) {
    const { data, layout } = figureOf(element, LIGHT);
    const { width, height } = element.closest(".grid") ? PRINTED_IN_GRID : PRINTED;
    Plotly.purge(element);
    Plotly.newPlot(element, data, { ...layout, width, height: layout.height ?? height }, { ...config, staticPlot: true });
  }

  function save(element) {
    const { offsetWidth: width, offsetHeight: height } = element;
    Plotly.downloadImage(figureOf(element, LIGHT), { format: "svg", width, height, filename: "figure" });
  }

  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting || target.offsetParent === null) continue;
      seen.unobserve(target);
      show(target);
    }
  }, { rootMargin: "400px" });

  function showAgain() {
    for (const element of charts) {
      Plotly.purge(element);
      seen.unobserve(element);
      seen.observe(element);
    }
  }

  document.querySelectorAll("select[data-choose]").forEach((select) => {
    const choices = [...document.querySelectorAll(`[data-choice="${select.dataset.choose}"]`)];
    choices.forEach((choice, i) => select.add(new Option(choice.dataset.label, String(i))));
    const update = () => choices.forEach((choice, i) => { choice.hidden = String(i) !== select.value; });
    select.addEventListener("change", update);
    update();
  });

  /* On paper nothing can be chosen or opened: all of it is printed. */
  let opened = [], shown = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    shown = [...document.querySelectorAll("[data-choice][hidden]")];
    opened.forEach((element) => { element.open = true; });
    shown.forEach((element) => { element.hidden = false; });
    charts.forEach(showForPrint);
  });
  addEventListener("afterprint", () => {
    opened.forEach((element) => { element.open = false; });
    shown.forEach((element) => { element.hidden = true; });
    showAgain();
  });
  isDark.addEventListener("change", showAgain);
  showAgain();
})();
