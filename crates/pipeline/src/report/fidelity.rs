//! How closely each policy follows the expert, compared with a constant policy.

use super::html::{escape, number, percent, table, title_case};
use crate::run::Agreement;
use crate::run::Metrics;

/// A table of every policy's fidelity in detail; empty where nothing was compared.
pub(super) fn part(metrics: &Metrics) -> String {
    let mut rows = Vec::new();
    let mut is_share = true;
    for (role, fidelity) in &metrics.fidelity {
        let own = fidelity.own_states.as_ref().map(|own| ("its own", own));
        let expert = if metrics.log.is_some() { "the log's test rows" } else { "the expert's" };
        for (states, agreement) in [(expert, &fidelity.expert_states)].into_iter().chain(own) {
            let mut row = vec![title_case(role.name()), states.to_owned()];
            match agreement {
                Agreement::SameAction { value, most_frequent, kappa, recall, .. } => {
                    let each = recall.iter().map(|share| share.map_or_else(|| "–".to_owned(), percent));
                    row.extend([percent(*value), percent(*most_frequent), number(*kappa)]);
                    row.push(each.collect::<Vec<_>>().join(", "));
                }
                Agreement::RSquared { value, coordinates, .. } => {
                    is_share = false;
                    let each = coordinates.iter().map(|value| value.map_or_else(|| "–".to_owned(), number));
                    row.extend([number(*value), each.collect::<Vec<_>>().join(", ")]);
                }
            }
            let together = fidelity.with_expert.map(|with| format!("{} ({})", number(with.steps), percent(with.share)));
            row.push(together.unwrap_or_default());
            rows.push(row.iter().map(|text| escape(text)).collect());
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    let head: &[&str] = if is_share {
        &[
            "Policy",
            "In states",
            "Same action",
            "Most frequent action alone",
            "Cohen's κ",
            "Recall of each action",
            "Steps with the expert",
        ]
    } else {
        &["Policy", "In states", "R²", "R² of each coordinate", "Steps with the expert"]
    };
    let head: Vec<String> = head.iter().map(|text| (*text).to_owned()).collect();
    table(&head, &rows)
        + "<p class=\"note\">Steps with the expert: the number of steps, from the same start, until some observation differs by more \
           than half of its standard deviation, also as a share of the expert's episode.</p>"
}
