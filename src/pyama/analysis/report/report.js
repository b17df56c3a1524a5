"use strict";
/* Draws each figure when it comes into view, from the JSON that follows it. */
(() => {
  const axis = { gridcolor: "#e8ebef", zerolinecolor: "#cfd5dc", linecolor: "#9aa3ae", ticks: "outside",
    tickcolor: "#9aa3ae", ticklen: 4, showline: true, automargin: true, title: { standoff: 8 } };
  const base = { font: { family: "system-ui, Segoe UI, Roboto, Arial, sans-serif", size: 12, color: "#1c2430" },
    margin: { l: 60, r: 14, t: 40, b: 46 }, paper_bgcolor: "#fff", plot_bgcolor: "#fff", autosize: true,
    hovermode: "closest", legend: { orientation: "h", traceorder: "normal", y: 1.02, yanchor: "bottom", x: 0 } };
  const config = { responsive: true, displaylogo: false, modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
    toImageButtonOptions: { format: "svg" } };
  const read = (element) => JSON.parse(element.nextElementSibling.textContent);

  function layoutOf(own) {
    const layout = { ...base, xaxis: axis, yaxis: axis };
    for (const [key, value] of Object.entries(own)) {
      layout[key] = /^[xy]axis/.test(key) ? { ...axis, ...value, title: { ...axis.title, ...value.title } } : value;
    }
    if (layout.title) layout.title = { font: { size: 13 }, x: 0, xref: "paper", ...layout.title };
    return layout;
  }

  function draw(element) {
    const figure = read(element);
    return figure.series ? drawScatter(element, figure) : Plotly.newPlot(element, figure.data, layoutOf(figure.layout), config);
  }

  function drawScatter(element, { columns, ranges, series }) {
    const names = Object.keys(columns);
    const selects = [...element.parentElement.querySelectorAll("select")];
    selects.forEach((select, i) => {
      names.forEach((name) => select.add(new Option(name, name)));
      select.value = names[Math.min(i, names.length - 1)];
      select.addEventListener("change", update);
    });
    function update() {
      const [x, y] = selects.map((select) => select.value);
      const data = series.map(({ name, color, cells, values }) => ({ x: values[x], y: values[y], text: cells, name,
        mode: "markers", marker: { color, size: 5, opacity: 0.55 }, hovertemplate: "%{text}: %{x:.4g}, %{y:.4g}" }));
      return Plotly.react(element, data, layoutOf({ xaxis: { title: { text: columns[x] }, range: ranges[x] },
        yaxis: { title: { text: columns[y] }, range: ranges[y] }, showlegend: series.length > 1 }), config);
    }
    return update();
  }

  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting || target.offsetParent === null) continue;
      seen.unobserve(target);
      draw(target);
    }
  }, { rootMargin: "400px" });
  document.querySelectorAll(".chart").forEach((element) => seen.observe(element));

  document.querySelectorAll("select[data-choose]").forEach((select) => {
    const choices = [...document.querySelectorAll(`[data-choice="${select.dataset.choose}"]`)];
    choices.forEach((choice, i) => select.add(new Option(choice.dataset.label, String(i))));
    const update = () => choices.forEach((choice, i) => { choice.hidden = String(i) !== select.value; });
    select.addEventListener("change", update);
    update();
  });
})();
