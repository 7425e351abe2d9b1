//! Returns and agreement, as `metrics.json` has them.

use super::html::{escape, number, percent, table, title_case};
use super::plot::{IntervalRow, intervals};
use crate::run::statistics::{interquartile_mean, interquartile_mean_interval};
use serde_json::Value;

/// Policies in the order of the page; others follow.
const ORDER: [&str; 5] = ["expert", "kan", "faithful", "polished", "formula"];

/// A picture and a table of every policy's returns; the interquartile means and their intervals are computed from the
/// episodes where the metrics do not hold them.
pub(super) fn part(metrics: &Value) -> String {
    let Some(returns) = metrics["returns"].as_object().filter(|returns| !returns.is_empty()) else {
        return "<p>Nothing was played.</p>".to_owned() + &agreement(&metrics["agreement"]);
    };
    let mut names: Vec<&String> = returns.keys().filter(|name| returns[*name].is_object()).collect();
    names.sort_by_key(|name| ORDER.iter().position(|known| known == name).unwrap_or(ORDER.len()));
    let agreement = &metrics["agreement"];
    let (mut plotted, mut rows) = (Vec::new(), Vec::new());
    for name in names {
        let row = &returns[name];
        let field = |field: &str| row[field].as_f64().map_or_else(|| "–".to_owned(), number);
        let episodes: Vec<f64> = row["episodes"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        let middle = row["interquartile_mean"]
            .as_f64()
            .or_else(|| (!episodes.is_empty()).then(|| interquartile_mean(&episodes)));
        let interval = interval(&row["interquartile_mean_interval"]).or_else(|| {
            let interval = (!episodes.is_empty()).then(|| interquartile_mean_interval(&episodes))?;
            Some((interval.low, interval.high))
        });
        let label = if name == "kan" { "KAN".to_owned() } else { title_case(name) };
        if let Some(estimate) = middle.or(row["mean"].as_f64()) {
            plotted.push(IntervalRow { name: label.clone(), estimate, interval, spread: spread(&episodes) });
        }
        let middle = middle.map_or_else(|| "–".to_owned(), number);
        let interval = interval
            .map_or_else(String::new, |(low, high)| format!(" <small>[{}, {}]</small>", number(low), number(high)));
        let agreement = agreement[name.as_str()].as_f64().map_or_else(String::new, percent);
        rows.push(vec![
            escape(&label),
            format!("{middle}{interval}"),
            format!("{} ± {}", field("mean"), field("std")),
            field("worst_5_percent"),
            agreement,
            row["n"].as_u64().map_or_else(|| "–".to_owned(), |n| n.to_string()),
        ]);
    }
    let head = ["Policy", "Interquartile mean [95 %]", "Mean ± std", "Worst 5 %", "Agreement", "Episodes"];
    let measure = agreement["measure"].as_str().unwrap_or("share of states with the expert's action");
    format!(
        "<figure class=\"plot\">{}<figcaption>Dot: interquartile mean. Thick: its bootstrap 95 % interval. Thin: nine of \
         ten episodes. All policies played the same seeds.</figcaption></figure>\n{}<p class=\"note\">Agreement with the \
         expert: {}.</p>",
        intervals(&plotted, "return"),
        table(&head.map(str::to_owned), &rows),
        escape(measure),
    )
}

/// Agreement alone, where nothing was played.
fn agreement(agreement: &Value) -> String {
    let row = |name: &&str| Some(vec![title_case(name), percent(agreement.get(*name)?.as_f64()?)]);
    let rows: Vec<Vec<String>> = ORDER.iter().filter_map(row).collect();
    let (Some(measure), false) = (agreement["measure"].as_str(), rows.is_empty()) else { return String::new() };
    let note = format!(
        "<p class=\"note\">Agreement with the log on rows that nothing was fitted to: {}.</p>",
        escape(measure)
    );
    table(&["Policy", "Agreement"].map(str::to_owned), &rows) + &note
}

/// An interval as `{"low": …, "high": …}` or `[low, high]`.
fn interval(value: &Value) -> Option<(f64, f64)> {
    let end = |name: &str, index: usize| value.get(name).or_else(|| value.get(index)).and_then(Value::as_f64);
    Some((end("low", 0)?, end("high", 1)?))
}

/// The 5th and the 95th percentile.
fn spread(episodes: &[f64]) -> Option<(f64, f64)> {
    let mut sorted = episodes.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted.get((share * sorted.len().saturating_sub(1) as f64).round() as usize).copied();
    Some((at(0.05)?, at(0.95)?))
}
