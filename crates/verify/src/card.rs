//! The proof card: what is known of a policy, line by line, and how surely.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Version of the card's JSON.
pub const FORMAT_VERSION: u32 = 1;

/// What is known of a policy: every line says whether it is proved, measured, or not known.
///
/// ```
/// use kanrl_verify::{Certainty, ProofCard};
/// let mut card = ProofCard::new("CartPole-v1", "formula:theta", "a = theta");
/// card.say("outputs", Certainty::Proved, "a lies between -0.42 and 0.42".to_owned(), serde_json::json!({ "high": 0.42 }));
/// assert!(card.text().contains("proved     outputs"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofCard {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The environment's id.
    pub environment: String,
    /// The policy's name.
    pub policy: String,
    /// The formula that everything is about, as text.
    pub formula: String,
    /// The box of observations that bounds hold in.
    pub observations: Vec<Side>,
    /// What is known.
    pub lines: Vec<Line>,
}

/// A coordinate of the box of observations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// The coordinate's name.
    pub name: String,
    /// Its least value.
    pub low: f64,
    /// Its greatest value.
    pub high: f64,
    /// Where the two come from.
    pub source: Source,
}

/// Where the bounds of a coordinate come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The environment declares them.
    Declared,
    /// The user gave them.
    Given,
    /// The environment declares none: twice the largest size that was seen in episodes.
    Observed,
}

/// One thing that is known, or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What it is about, in a word or two.
    pub subject: String,
    /// How surely.
    pub certainty: Certainty,
    /// In words.
    pub text: String,
    /// In numbers.
    #[serde(default)]
    pub values: Value,
}

/// How surely something is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// It holds without exception, rounding included.
    Proved,
    /// It was measured, with the confidence that the line says.
    Measured,
    /// It was not decided.
    NotKnown,
}

impl Certainty {
    /// In a word or two.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proved => "proved",
            Self::Measured => "measured",
            Self::NotKnown => "not known",
        }
    }
}

impl ProofCard {
    /// A card without lines.
    pub fn new(environment: &str, policy: &str, formula: &str) -> Self {
        let (environment, policy, formula) = (environment.to_owned(), policy.to_owned(), formula.to_owned());
        Self {
            format_version: FORMAT_VERSION,
            environment,
            policy,
            formula,
            observations: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// Adds a line.
    pub fn say(&mut self, subject: &str, certainty: Certainty, text: String, values: Value) {
        self.lines.push(Line { subject: subject.to_owned(), certainty, text, values });
    }

    /// The lines about a subject.
    pub fn about<'a>(&'a self, subject: &'a str) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(move |line| line.subject == subject)
    }

    /// For a terminal.
    pub fn text(&self) -> String {
        let mut text = format!("{} on {}\n{}\n", self.policy, self.environment, self.formula);
        text += &format!("for observations with {}\n\n", self.box_in_words());
        let width = self.lines.iter().map(|line| line.subject.chars().count()).max().unwrap_or(0);
        for line in &self.lines {
            let padding = width - line.subject.chars().count();
            text += &format!("{:<10} {}{:padding$}  {}\n", line.certainty.name(), line.subject, "", line.text);
        }
        text
    }

    /// As a table for a page in HTML.
    pub fn html(&self) -> String {
        let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let mut html = format!("<p>For observations with {}.</p>\n<table>\n", escaped(&self.box_in_words()));
        html += "<tr><th>certainty</th><th>subject</th><th>what is known</th></tr>\n";
        for line in &self.lines {
            let (certainty, subject, text) = (line.certainty.name(), escaped(&line.subject), escaped(&line.text));
            html += &format!("<tr><td>{certainty}</td><td>{subject}</td><td>{text}</td></tr>\n");
        }
        html + "</table>\n"
    }

    /// As a table in Markdown.
    pub fn markdown(&self) -> String {
        let escaped = |text: &str| text.replace('|', "\\|").replace('\n', " ");
        let mut text = format!("For observations with {}.\n\n", escaped(&self.box_in_words()));
        text += "| certainty | subject | what is known |\n|---|---|---|\n";
        for line in &self.lines {
            let (subject, said) = (escaped(&line.subject), escaped(&line.text));
            text += &format!("| {} | {subject} | {said} |\n", line.certainty.name());
        }
        text
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    fn box_in_words(&self) -> String {
        let side = |side: &Side| {
            let source = match side.source {
                Source::Declared => "",
                Source::Given => " (given)",
                Source::Observed => " (twice what episodes show)",
            };
            format!("{} from {} to {}{source}", side.name, number(side.low), number(side.high))
        };
        self.observations.iter().map(side).collect::<Vec<_>>().join(", ")
    }
}

/// A number of four significant digits.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return format!("{value}");
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let places = 3 - value.abs().log10().floor() as i32;
    if !(-3..=9).contains(&places) {
        return format!("{value:.3e}");
    }
    let text = format!("{value:.*}", places.max(0) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A share as a percentage that says 100 % only where it is all of it.
pub(crate) fn percent(share: f64) -> String {
    if share >= 1.0 {
        "100 %".to_owned()
    } else if share > 0.999 {
        format!("{:.4} %", (share * 1e6).floor().min(999_999.0) / 1e4)
    } else {
        format!("{:.1} %", 100.0 * share)
    }
}

#[cfg(test)]
mod tests {
    use super::{Certainty, ProofCard, number, percent};

    #[test]
    fn a_card_is_read_back_as_it_was_written() {
        let mut card = ProofCard::new("E-v0", "formula:x", "a = x");
        card.say("finite", Certainty::NotKnown, "x < 1 & more".to_owned(), serde_json::Value::Null);
        assert_eq!(serde_json::from_str::<ProofCard>(&card.to_json()).expect("JSON"), card);
        assert!(card.html().contains("<td>not known</td><td>finite</td><td>x &lt; 1 &amp; more</td>"));
    }

    #[test]
    fn numbers_are_short_and_all_is_said_of_nothing_less() {
        assert_eq!(
            [number(108.4), number(0.0123456), number(1e-9), number(123_456.0)],
            ["108.4", "0.01235", "1.000e-9", "123456"]
        );
        assert_eq!([percent(1.0), percent(0.999_999_9), percent(0.5)], ["100 %", "99.9999 %", "50.0 %"]);
    }
}
