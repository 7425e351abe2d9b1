//! `report.html`: everything about a run on one page that needs nothing else.
//!
//! The page has no external resources and no times in it: the same run gives the same bytes. What a run did not measure
//! is left out. Metrics that this module does not know are shown as tables.

mod curves;
mod edges;
mod fidelity;
mod html;
mod plot;
mod returns;
pub mod sweep;
mod tables;
mod terms;

pub use edges::edge_fits;

use crate::run::{Metrics, PolicyRole, Returns, RunFile};
use crate::stages::collect::ExpertData;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use html::{escape, section};
use kanrl_core::graph::UnivariateGraph;
use kanrl_symbolic::export::{DEFAULT_WIDTH, mathml_formula};
use kanrl_symbolic::{Format, Formula, SymbolicError, export};
use serde_json::Value;

/// Videos of at most this many bytes are part of the page; larger ones are separate files.
const INLINE_VIDEO: usize = 2 << 20;

/// Characters of mathematics that fit next to each other on a phone, roughly.
const PHONE_WIDTH: usize = 26;

/// A formula with its place on the page.
#[derive(Clone, Copy, Debug)]
pub struct ReportedFormula<'a> {
    /// Heading (`The formula`).
    pub title: &'a str,
    /// A sentence about it.
    pub note: &'a str,
    /// The formula.
    pub formula: &'a Formula,
}

/// A video with its place on the page.
#[derive(Clone, Copy, Debug)]
pub struct ReportedVideo<'a> {
    /// What it shows (`Expert`).
    pub title: &'a str,
    /// The MP4 file's name in the run directory.
    pub file: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
}

/// What a report is made from.
#[derive(Clone, Debug)]
pub struct ReportContent<'a> {
    /// Everything that was measured.
    pub metrics: &'a Metrics,
    /// `config.toml`.
    pub config: &'a str,
    /// Where the expert came from.
    pub expert: &'a str,
    /// The formulas, the one that plays best first.
    pub formulas: &'a [ReportedFormula<'a>],
    /// The expert episodes that the formulas were fitted on.
    pub data: &'a ExpertData,
    /// The network before its edges were named.
    pub splines: Option<&'a UnivariateGraph>,
    /// The network after.
    pub network: &'a UnivariateGraph,
    /// The network's picture, as SVG.
    pub diagram: &'a str,
    /// The videos.
    pub videos: &'a [ReportedVideo<'a>],
}

/// A formula's place among others.
#[derive(Clone, Debug, PartialEq)]
pub struct ParetoPoint {
    /// Its name.
    pub name: String,
    /// Operations.
    pub operations: f64,
    /// Mean return.
    pub episode_return: f64,
}

/// Return against operations as an SVG document of its own; what no other point beats in both is joined by a line.
pub fn pareto(points: &[ParetoPoint]) -> String {
    let place = |point: &ParetoPoint| (point.operations, point.episode_return);
    let places: Vec<(f64, f64)> = points.iter().map(place).collect();
    let points: Vec<plot::Point> = points
        .iter()
        .map(|point| {
            let (x, y) = place(point);
            plot::Point { name: point.name.clone(), x, y, best: plot::is_best((x, y), &places) }
        })
        .collect();
    plot::document(&plot::scatter(&points, "operations", "mean return"))
}

const LADDER: &str = "Each model after each step from the expert to its formula, on the same seeds: where return or \
                      fidelity drops, something was lost.";
const CANDIDATES: &str = "Every formula that could have been chosen, measured on seeds that are used for nothing else. Roles \
                          says which ones were chosen; their rows stand out. λ is the weight of disagreement with the expert while constants were \
                          tuned, 0 for return alone. On front: no other formula is at least as good in return, fidelity, and \
                          operations and better in one of them. Worst 5 percent is the mean of the worst twentieth of the \
                          episodes.";
const ROBUSTNESS: &str = "Mean returns in environments whose physical constants are changed, on the same seeds.";

/// The page.
///
/// # Errors
/// [`SymbolicError`] for a formula that cannot be written.
pub fn html(content: &ReportContent<'_>) -> Result<String, SymbolicError> {
    let metrics = content.metrics;
    let environment = metrics.environment.as_str();
    let mut body = format!("<header><p class=\"kind\">kanrl report</p><h1>{}</h1>", escape(environment));
    body += &format!("<p>{}</p></header>\n", summary(content));
    for (index, formula) in content.formulas.iter().enumerate() {
        body += &section(formula.title, &formula_part(formula, index)?);
    }
    body += &section("Returns", &returns::part(metrics));
    if !content.videos.is_empty() {
        body += &section("Videos", &videos(content.videos));
    }
    if let Some(first) = content.formulas.first() {
        let rows = &content.data.train.observations;
        body += &section("What each term does", &terms::part(first.formula, rows)?);
    }
    body += &section("Network", &format!("<figure class=\"diagram\">{}</figure>", content.diagram));
    let edges = edges::part(content.splines, content.network, &content.data.train);
    body += &section("Each edge's function", &edges);
    for (title, part, note) in [
        ("Fidelity", fidelity::part(metrics), ""),
        ("From the expert to the formula", tables::part(&rows_of(&metrics.ladder)), LADDER),
        ("Candidates", tables::part(&rows_of(&metrics.candidates)), CANDIDATES),
        ("Robustness", tables::part(&rows_of(&metrics.robustness)), ROBUSTNESS),
        ("Log", metrics.log.as_ref().map_or_else(String::new, |log| tables::part(&rows_of(log))), ""),
    ] {
        if !part.is_empty() {
            let note = if note.is_empty() { String::new() } else { format!("<p class=\"note\">{note}</p>") };
            body += &section(title, &(part + &note));
        }
    }
    body += &section("How it was made", &origin(content));
    Ok(html::document(&format!("{environment}: a policy as a formula"), &body, include_str!("page.js")))
}

/// Metrics as JSON, for [`tables::part`].
fn rows_of(metrics: &impl serde::Serialize) -> Value {
    serde_json::to_value(metrics).unwrap_or_default()
}

/// The run in two sentences.
fn summary(content: &ReportContent<'_>) -> String {
    let metrics = content.metrics;
    let mut text = format!("The policy of <b>{}</b> as a formula", escape(content.expert));
    if let Some(formula) = metrics.headline() {
        text += &format!(" of <b>{} operations</b>", formula.operations);
    }
    text += ".";
    if let Some(Returns { mean, std, n, .. }) = metrics.returns.get(&PolicyRole::Headline) {
        let (mean, std) = (html::number(*mean), html::number(*std));
        text += &format!(" Over {n} episodes that nothing was tuned on, its mean return is <b>{mean}</b> ± {std}");
        if let Some(Returns { mean, std, .. }) = metrics.returns.get(&PolicyRole::Expert) {
            text += &format!("; the expert's is {} ± {}", html::number(*mean), html::number(*std));
        }
        text += ".";
    }
    if let Some(log) = &metrics.log {
        text += " It was learned from a log, so there was no expert to film or to query in other states.";
        if !log.is_played {
            text += &metrics.agreement_text(PolicyRole::Headline).map_or_else(String::new, |agreement| {
                format!(" On rows that it was not fitted to, its agreement with the log is <b>{agreement}</b>.")
            });
            text += " There was no environment, so nothing was played, filmed, or tuned on return.";
        }
    }
    for warning in &metrics.warnings {
        text += &format!(" <strong>Warning: {}.</strong>", escape(warning));
    }
    text
}

fn formula_part(part: &ReportedFormula<'_>, index: usize) -> Result<String, SymbolicError> {
    let formula = part.formula;
    let mut text = format!("<p>{}</p>\n", escape(part.note));
    for (class, width) in [("broad", DEFAULT_WIDTH), ("slim", PHONE_WIDTH)] {
        text += &format!("<div class=\"wide {class}\">{}</div>\n", mathml_formula(formula, width));
    }
    text += &curves::part(formula);
    let formats = [("LaTeX", Format::Latex), ("Python", Format::NumPy), ("C", Format::C)];
    let (mut buttons, mut listings) = (String::new(), String::new());
    for (name, format) in formats {
        let id = format!("{}-{index}", format.name());
        let code = escape(export(formula, format)?.trim_end());
        buttons += &format!("<button type=\"button\" data-copy=\"{id}\">Copy as {name}</button>\n");
        listings += &format!("<details><summary>{name}</summary><pre id=\"{id}\">{code}</pre></details>\n");
    }
    text += &format!("<p class=\"buttons\">{buttons}</p>\n{listings}");
    Ok(text)
}

fn videos(videos: &[ReportedVideo<'_>]) -> String {
    let video = |video: &ReportedVideo<'_>| {
        let source = if video.bytes.len() <= INLINE_VIDEO {
            format!("data:video/mp4;base64,{}", STANDARD.encode(video.bytes))
        } else {
            escape(video.file)
        };
        let (title, file) = (escape(video.title), escape(video.file));
        format!(
            "<figure><video controls muted loop playsinline preload=\"metadata\" src=\"{source}\"></video>\
             <figcaption>{title} (<a href=\"{file}\">{file}</a>)</figcaption></figure>\n"
        )
    };
    format!("<div class=\"videos\">{}</div>", videos.iter().map(video).collect::<String>())
}

fn origin(content: &ReportContent<'_>) -> String {
    let files =
        [RunFile::Config, RunFile::Provenance, RunFile::Metrics, RunFile::Formula, RunFile::Log, RunFile::Timings];
    let rows = files.map(|file| format!("<li><a href=\"{file}\">{file}</a>: {}</li>\n", file.meaning()));
    let seed = content.metrics.seed;
    format!(
        "<p>Made by kanrl {} with seed {seed}.</p>\n<ul>{}</ul>\n<details><summary>Config</summary><pre>{}</pre></details>",
        env!("CARGO_PKG_VERSION"),
        rows.concat(),
        escape(content.config.trim_end()),
    )
}
