"""Sections on results: traces, fits, statistics and comparisons of samples."""

from collections.abc import Iterator, Mapping

import pandas as pd

from pyama.analysis.comparing import comparison
from pyama.analysis.comparison_text import pairing_sentence
from pyama.analysis.expression import SHARES, expression_sentence, without_flat_fits
from pyama.analysis.figures.colours import drawn_text
from pyama.analysis.fitting.model_list import describe_models
from pyama.analysis.histograms import far_out_note
from pyama.analysis.joined_tables import fits_above
from pyama.analysis.lineages import sum_lineages
from pyama.analysis.replicate_tests import PAIRED, have_same_replicates
from pyama.analysis.replicates import (
    Level,
    feature_warning,
    level_of,
    replicate_warning,
    sample_sizes,
)
from pyama.analysis.report import markup, plotly_figures
from pyama.analysis.report.comparison_tables import comparison_tables
from pyama.analysis.report.distributions import MAX_POINTS, classes, histogram, scatter
from pyama.analysis.report.shown_results import Fits, Results
from pyama.analysis.statistics import (
    TRACE_FEATURES,
    features_and_notes,
    summarize,
    trace_feature_units,
)
from pyama.analysis.table_columns import cell_keys, with_unit

MAX_FEATURES = 6
"""Largest number of columns of which traces are shown."""
R_SQUARED = "r_squared"
"""Quality of a fit; samples are not compared by it."""
AXES = "<label>x <select></select></label><label>y <select></select></label>"


def traces_section(report: Results) -> str:
    """Traces of every sample with their mean and spread."""
    samples, table = report.samples, report.traces
    features = [name for name in report.features if table[name].notna().any()]
    features = features[:MAX_FEATURES]
    if not features:
        text = "There are no traces: no cell was found, or the filters left out all cells."
        return markup.section("traces", "Traces", markup.paragraph(text))
    most = plotly_figures.traces_to_draw(table, len(features), len(samples))
    parts = []
    for column in features:
        label = report.label(column)
        whole = markup.plot(plotly_figures.overview(table, column, samples, label), wide=True)
        each = [
            markup.plot(
                plotly_figures.single_traces(
                    table[table["sample"] == sample], column, sample, i, label=label, most=most
                )
            )
            for i, sample in enumerate(samples)
        ]
        parts.append(markup.choice("traces", label, whole + markup.grid(each)))
    text = (
        "Lines are means over the cells of a sample; bands contain the middle half of the "
        "cells (25 % to 75 %). They end where few cells are left. Cells that were imaged at "
        "different times are interpolated to common times. Below, single cells are drawn in "
        "grey."
    )
    chooser = markup.chooser("traces", "Show")
    return markup.section("traces", "Traces", markup.paragraph(text), chooser, *parts)


def fits_sections(report: Results) -> Iterator[tuple[str, str, str]]:
    """Key, title and section of every model that was fitted."""
    for k, fits in enumerate(report.fits):
        title = f"Fits: {fits.model}"
        if sum(other.model == fits.model for other in report.fits) > 1:
            title += f", {report.label(fits.column)}"
        yield f"fits{k}", title, _fits(report, fits, f"fits{k}", title)


def _fits(report: Results, fits: Fits, key: str, title: str) -> str:
    samples = report.samples
    labels = {name: with_unit(name, fits.units.get(name, "")) for name in fits.parameters}
    cells = fits_above(fits.table, None)
    content = [
        markup.paragraph(
            f"Fitted to: {report.label(fits.column)}. Fits are classified by R²: good above "
            "0.9, fair above 0.7, poor below; failed if no fit was found. A cell without a "
            "good fit in whose trace neither a rise nor a fall was found is not expressing, "
            "and does not count in the figures of parameters and the statistics."
        ),
        *map(markup.paragraph, _parameters(fits)),
        markup.plot(classes(fits.table, samples)),
        "<h3>Best, median and worst cell</h3>",
        *_examples(report, fits, samples),
        "<h3>Parameters</h3>",
        markup.grid(
            markup.plot(histogram(cells, name, samples, label))
            for name, label in {**labels, R_SQUARED: "R²"}.items()
        ),
    ]
    if labels:
        axes = scatter(cells, {**labels, R_SQUARED: "R²"}, samples)
        drawn = drawn_text(min(MAX_POINTS, len(fits.table)), len(fits.table))
        content += [
            "<h3>Parameters against each other</h3>",
            *([markup.paragraph(f"{drawn}.")] if drawn else []),
            markup.plot(axes, wide=True, before=AXES),
        ]
    return markup.section(key, title, *content)


def _parameters(fits: Fits) -> Iterator[str]:
    """Yield what the fitted parameters mean, and the values of the others."""
    models = {model.name: model for model in describe_models()}
    meanings = {p.name: p.description for p in models[fits.model].parameters}
    fitted = [name for name in fits.parameters if name not in fits.fixed]
    texts = [f"{name}: {meanings[name]}" for name in fitted if meanings.get(name)]
    fixed = [
        with_unit(
            f"{name} = {' or '.join(f'{v:.4g}' for v in values)}", fits.units.get(name, "")
        )
        for name, values in fits.fixed.items()
    ]
    if texts:
        yield f"Fitted: {'; '.join(texts)}."
    if fixed:
        yield f"Fixed, not fitted: {', '.join(fixed)}."


def _examples(report: Results, fits: Fits, samples: list[str]) -> Iterator[str]:
    fitted = sum_lineages(report.traces) if fits.is_of_lineages else report.traces
    for i, sample in enumerate(samples):
        traces = fitted[fitted["sample"] == sample]
        cells = fits.table[fits.table["sample"] == sample]
        if fits.column in traces and cells["r_squared"].notna().any():
            label = report.label(fits.column)
            if len(samples) > 1:
                yield f'<p class="soft">{markup.escape(sample)}</p>'
            examples = plotly_figures.fit_examples(cells, traces, fits.column, i, label)
            yield markup.grid(map(markup.plot, examples))


def _with_units(table: pd.DataFrame, units: Mapping[str, str]) -> pd.DataFrame:
    """Put the feature first, and its unit after it."""
    arranged = table[["feature", *table.columns.drop("feature")]]
    arranged.insert(1, "unit", [units.get(name, "") for name in table["feature"]])
    return arranged


def statistics_section(report: Results) -> str:
    """Summary of every sample, and differences between samples."""
    totals = [name for name in report.features if name.startswith("intensity_total")]
    content = [
        markup.paragraph(
            "Each cell contributes one value. n is the number of cells, sd the standard "
            "deviation, cv the coefficient of variation; q05 to q95 are quantiles. All fits "
            "count, also poor ones, except those of cells that do not express."
        ),
        *_replicates(report),
    ]
    for column in (totals or report.features)[:3]:
        table, notes = features_and_notes(report.traces, column)
        units = trace_feature_units(column)
        content += [
            f"<h3>{markup.escape(report.label(column))}</h3>",
            *([markup.notes(notes)] if notes else []),
            markup.paragraph(expression_sentence(table, report.samples))
            if column in totals
            else "",
            markup.grid(
                markup.plot(
                    histogram(table, name, report.samples, with_unit(words, units[name]))
                )
                for name, (words, _) in TRACE_FEATURES.items()
                if name not in SHARES
            ),
            _compared(report, table, list(TRACE_FEATURES), units, column),
        ]
    for fits in report.fits:
        content.append(f"<h3>{markup.escape(fits.model)}, {markup.escape(fits.column)}</h3>")
        name = f"{fits.model}_{fits.column}"
        features = [*fits.parameters, R_SQUARED]
        content.append(_compared(report, fits.table, features, fits.units, name))
    return markup.section("statistics", "Statistics", *content)


def _replicates(report: Results) -> Iterator[str]:
    """Say what the comparison of samples means, or why there is none."""
    if len(report.samples) < 2:
        yield markup.paragraph(
            "Samples are compared if there are two or more: assign the fields of view to "
            "them, merge again, and write the report again."
        )
        return
    level = level_of(report.traces)
    cells = report.traces.drop_duplicates(cell_keys(report.traces))
    sizes = sample_sizes(cells, order=report.samples)
    yield markup.paragraph(
        f"How samples are compared: cells of one {level.name} are not independent, so that "
        f"the test takes one value per {level.name}, the median of its cells (of expressing, "
        "their share). This is the result to cite. "
        f"{_pairing(cells, report.samples, level)} Samples are compared with "
        f"{report.samples[0]}, the first in the "
        "order in which they were merged, such as that of samples.yaml. Difference is the "
        "mean of these values in sample b minus that in a, with its 95 % interval and p of "
        "the t test that is named (paired: of the differences within replicates; Student's; "
        "Welch's, if the numbers of replicates differ); "
        "p, Holm is corrected for the number of rows of the table. A dash means that there "
        "are too few values for a test. An interval that contains 0 means that no difference "
        f"was found, not that there is none. {level.reason}"
    )
    if few := replicate_warning(report.traces, "sample", level, report.samples):
        yield markup.notes([few])
    yield markup.table(sizes, {"sample": "name"}, "samples.csv")
    yield markup.paragraph(
        "Below each comparison, a folded table compares all cells as if independent. "
        "It describes how far the distributions lie apart; do not cite its p, which is too "
        "small. shift is the median of all differences of a cell of b and one of a "
        "(Hodges-Lehmann), Cliff's "
        "delta the probability that a cell of b exceeds one of a, minus the reverse (0: "
        "equal, 1 or -1: no overlap), and p that of the Mann-Whitney test."
    )


def _pairing(cells: pd.DataFrame, samples: list[str], level: Level) -> str:
    """Say whether the samples of some traces are compared with the first within replicates."""
    first, *others = (cells[cells["sample"] == name] for name in samples)
    tests = [PAIRED if have_same_replicates(first, rows, level) else "" for rows in others]
    pairs = {"level": level.name, "a": samples[0], "b": samples[1:], "test": tests}
    return pairing_sentence(pd.DataFrame(pairs))


def _compared(
    report: Results,
    table: pd.DataFrame,
    features: list[str],
    units: Mapping[str, str],
    name: str,
) -> str:
    """Tables of the numbers of every sample, and of their comparison with the first one."""
    kinds = {"sample": "name", "feature": "text", "unit": "text"}
    samples = [name for name in report.samples if (table["sample"] == name).any()]
    numbers = summarize(table, features, order=samples)
    by_feature = numbers["feature"].map(features.index).argsort(kind="stable")
    numbers = _with_units(numbers.iloc[by_feature], units)
    summary = markup.table(numbers, kinds, f"{name}_summary.csv")
    tested = [feature for feature in features if feature != R_SQUARED]
    if far_out := far_out_note(without_flat_fits(table, tested), tested):
        summary += markup.notes([far_out])
    if len(samples) < 2:
        return summary
    pairs = comparison(table, tested, reference=samples[0], order=samples)
    title = f"Compared with {samples[0]}"
    shown = comparison_tables(pairs, units, f"{name}_comparison.csv")
    few = feature_warning(pairs, table, "sample", level_of(table))
    warned = markup.notes([few] if few else [])
    return f"{summary}<h3>{markup.escape(title)}</h3>{warned}{shown}"
