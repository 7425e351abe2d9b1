//! LaTeX, in the subset that every converter to MathML understands.

use super::layout::{self, Item};
use super::names::{Symbol, latex_text};
use crate::expression::{Expression, Native, SymbolicError};
use crate::formula::Formula;

/// Characters of typeset mathematics in a line, roughly.
pub const DEFAULT_WIDTH: usize = 80;

/// A formula as an `aligned` environment, to be put between dollar signs: each output's sum broken into rows of about
/// `width` typeset characters, then the action.
pub fn formula(formula: &Formula, width: usize) -> String {
    let rows = layout::lines(formula, width).into_iter().map(|(left, right)| match left {
        Some(left) => format!("{} &= {}", render(&left), render(&right)),
        None => format!(r"&\quad {}", render(&right)),
    });
    format!("\\begin{{aligned}}\n{}\n\\end{{aligned}}", rows.collect::<Vec<_>>().join(" \\\\\n"))
}

/// An expression on one line, its curves by their names.
///
/// # Errors
/// [`SymbolicError::TooLarge`] for one too deep to be written.
pub fn expression(expression: &Expression) -> Result<String, SymbolicError> {
    Ok(render(&layout::expression(expression, &expression.curves())?))
}

fn render(item: &Item) -> String {
    match item {
        Item::Number(digits, None) => digits.clone(),
        Item::Number(digits, Some(exponent)) => format!(r"{digits} \cdot 10^{{{exponent}}}"),
        Item::Symbol(name) => Symbol::new(name).latex(),
        Item::Sign("−") => "-".into(),
        Item::Sign("·") => r" \cdot ".into(),
        Item::Sign("\u{2062}") => r"\,".into(),
        Item::Sign(",") => ", ".into(),
        Item::Sign(":") => r"\colon ".into(),
        Item::Sign(">") => " > ".into(),
        Item::Sign("<") => " < ".into(),
        Item::Sign(sign) => (*sign).into(),
        Item::Words("action") => r"\mathrm{action}".into(),
        Item::Words(words) => format!(r"\text{{{words}}}"),
        Item::Label(label) => latex_text(label),
        Item::Row(items) => row(items),
        Item::Fraction(numerator, denominator) => format!(r"\frac{{{}}}{{{}}}", render(numerator), render(denominator)),
        Item::Power(base, exponent) => format!("{}^{{{}}}", render(base), render(exponent)),
        Item::Root(inner) => format!(r"\sqrt{{{}}}", render(inner)),
        Item::Fenced(open, inner, close) => format!(r"\left{open}{}\right{close}", render(inner)),
        Item::Call(name, inner) => format!(r"{}\left({}\right)", function(name), render(inner)),
        Item::Curve(number, inner) => format!(r"f_{{{number}}}\left({}\right)", render(inner)),
        // `\operatorname*` is beyond most converters.
        Item::Argmax(inner) => format!(r"\underset{{i}}{{\mathrm{{argmax}}}}\left({}\right)", render(inner)),
        Item::Cases(cases) => {
            let rows = cases.iter().map(|[value, condition]| format!("{} & {}", render(value), render(condition)));
            format!(r"\begin{{cases}}{}\end{{cases}}", rows.collect::<Vec<_>>().join(r"\\ "))
        }
    }
}

fn row(items: &[Item]) -> String {
    let mut text = String::new();
    for (index, item) in items.iter().enumerate() {
        match item {
            // A sign in front is the first term's own, without spaces.
            Item::Sign("+") | Item::Sign("−") if index > 0 => text += &format!(" {} ", render(item)),
            _ => text += &render(item),
        }
    }
    text
}

fn function(name: &str) -> String {
    match name {
        "arctanh" | "sign" | "clip" => format!(r"\mathrm{{{name}}}"),
        known => match Native::find(known) {
            Some(native) => native.function().latex.to_owned(),
            None => format!(r"\{known}"),
        },
    }
}
