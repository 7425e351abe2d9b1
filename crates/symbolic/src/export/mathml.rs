//! MathML Core, with what aligns the rows in its own style attributes.

use super::layout::{self, Item};
use super::names::{Symbol, as_written, unicode_word};
use crate::expression::{Curve, Expression, SymbolicError};
use crate::formula::Formula;
use std::sync::Arc;

const LEFT: &str = "text-align:left;text-align:-webkit-left;padding:0.25em 0";
const RIGHT: &str = "text-align:right;text-align:-webkit-right;padding:0.25em 0";

/// A formula as one `<math>` element: a table whose rows are those of the LaTeX, broken at about `width` typeset
/// characters.
pub fn formula(formula: &Formula, width: usize) -> String {
    let mut text = String::from("<math xmlns=\"http://www.w3.org/1998/Math/MathML\" display=\"block\">\n");
    text += "<mtable displaystyle=\"true\" columnalign=\"right left\">\n";
    for (left, right) in layout::lines(formula, width) {
        let (name, sign) = match &left {
            Some(left) => (render(left), "<mo>=</mo>"),
            None => (String::new(), "<mspace width=\"2em\"/>"),
        };
        let mut right = render(&right);
        if left.is_none() {
            // A continuation starts with the sign between its term and the row above.
            right = right.replacen("<mo>", "<mo form=\"infix\">", 1);
        }
        text += &format!("<mtr><mtd style=\"{RIGHT}\">{name}</mtd><mtd style=\"{LEFT}\">{sign}{right}</mtd></mtr>\n");
    }
    text + "</mtable>\n</math>\n"
}

/// An expression on one line, to stand inside a `<math>` element; its curves have the names that `curves` gives them
/// ([`Formula::curves`]).
///
/// # Errors
/// [`SymbolicError::TooLarge`] for one too deep to be written.
pub fn expression(expression: &Expression, curves: &[Arc<Curve>]) -> Result<String, SymbolicError> {
    Ok(render(&layout::expression(expression, curves)?))
}

/// A variable's or an output's name, to stand inside a `<math>` element.
pub fn name(name: &str) -> String {
    symbol(&Symbol::new(name))
}

fn render(item: &Item) -> String {
    match item {
        Item::Number(digits, None) => format!("<mn>{digits}</mn>"),
        Item::Number(digits, Some(exponent)) => {
            let sign = if *exponent < 0 { "<mo>−</mo>" } else { "" };
            let exponent = exponent.unsigned_abs();
            format!("<mn>{digits}</mn><mo>·</mo><msup><mn>10</mn><mrow>{sign}<mn>{exponent}</mn></mrow></msup>")
        }
        Item::Symbol(name) => symbol(&Symbol::new(name)),
        // Invisible times takes no room of its own.
        Item::Sign("\u{2062}") => "<mo>&#x2062;</mo><mspace width=\"0.17em\"/>".into(),
        Item::Sign(">") => "<mo>&gt;</mo>".into(),
        Item::Sign("<") => "<mo>&lt;</mo>".into(),
        Item::Sign(sign) => format!("<mo>{sign}</mo>"),
        Item::Words(words) => format!("<mtext>{words}</mtext>"),
        Item::Label(label) => format!("<mtext>{}</mtext>", escaped(label)),
        Item::Row(items) => format!("<mrow>{}</mrow>", items.iter().map(render).collect::<String>()),
        Item::Fraction(numerator, denominator) => {
            format!("<mfrac>{}{}</mfrac>", group(numerator), group(denominator))
        }
        Item::Power(base, exponent) => format!("<msup>{}{}</msup>", group(base), group(exponent)),
        Item::Root(inner) => format!("<msqrt>{}</msqrt>", render(inner)),
        Item::Fenced(open, inner, close) => fenced(open, &render(inner), close),
        Item::Call(name, inner) => {
            format!("<mrow><mi>{name}</mi><mo>&#x2061;</mo>{}</mrow>", fenced("(", &render(inner), ")"))
        }
        Item::Curve(number, inner) => format!(
            "<mrow><msub><mi>f</mi><mn>{number}</mn></msub><mo>&#x2061;</mo>{}</mrow>",
            fenced("(", &render(inner), ")")
        ),
        Item::Argmax(inner) => format!(
            "<mrow><munder><mi>argmax</mi><mi>i</mi></munder><mo>&#x2061;</mo>{}</mrow>",
            fenced("(", &render(inner), ")")
        ),
        Item::Cases(cases) => {
            let rows = cases.iter().map(|[value, condition]| {
                let (value, condition) = (render(value), render(condition));
                format!("<mtr><mtd style=\"{LEFT}\">{value}</mtd><mtd style=\"{LEFT};padding-left:1em\">{condition}</mtd></mtr>")
            });
            let rows: String = rows.collect();
            format!(
                "<mrow><mo fence=\"true\" form=\"prefix\" stretchy=\"true\">{{</mo>\
                 <mtable columnalign=\"left left\">{rows}</mtable></mrow>"
            )
        }
    }
}

/// As exactly one element, which scripts and fractions take.
fn group(item: &Item) -> String {
    format!("<mrow>{}</mrow>", render(item))
}

fn fenced(open: &str, inner: &str, close: &str) -> String {
    format!(
        "<mrow><mo fence=\"true\" form=\"prefix\" stretchy=\"true\">{open}</mo>{inner}\
         <mo fence=\"true\" form=\"postfix\" stretchy=\"true\">{close}</mo></mrow>"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn symbol(symbol: &Symbol<'_>) -> String {
    if symbol.is_as_written() {
        let name = escaped(&as_written(symbol.base));
        return format!("<mtext>{name}</mtext>");
    }
    // A letter with a number right behind it, such as x2, has the number as its subscript.
    let letters = symbol.base.trim_end_matches(|character: char| character.is_ascii_digit());
    let digits = &symbol.base[letters.len()..];
    let split = !digits.is_empty() && letters.chars().count() == 1;
    let mut text = word(if split { letters } else { symbol.base });
    match symbol.dots {
        1 => text = format!("<mover>{text}<mo stretchy=\"false\">˙</mo></mover>"),
        2 => text = format!("<mover>{text}<mo stretchy=\"false\">¨</mo></mover>"),
        _ => {}
    }
    let first = split.then(|| word(digits));
    let subscripts: Vec<String> = first.into_iter().chain(symbol.subscripts.iter().map(|part| word(part))).collect();
    if !subscripts.is_empty() {
        text = format!("<msub>{text}<mrow>{}</mrow></msub>", subscripts.join("<mspace width=\"0.17em\"/>"));
    }
    match symbol.function {
        Some(function) => {
            format!("<mrow><mi>{function}</mi><mo>&#x2061;</mo><mspace width=\"0.17em\"/>{text}</mrow>")
        }
        None => text,
    }
}

fn word(word: &str) -> String {
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("<mn>{word}</mn>")
    } else {
        format!("<mi>{}</mi>", unicode_word(word))
    }
}
