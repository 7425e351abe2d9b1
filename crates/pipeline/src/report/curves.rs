//! The curves of a formula, as pictures.

use super::plot::curve;
use kanrl_symbolic::{Curve, Formula};

/// Points of a curve.
const POINTS: usize = 120;
/// Share of the range between its outer breakpoints that is shown beyond them.
const MARGIN: f64 = 0.15;

/// A small picture of each curve, with its breakpoints as dots; nothing for a formula without curves.
pub(super) fn part(formula: &Formula) -> String {
    let figures: String = formula.curves().iter().zip(1..).map(|(curve, number)| figure(curve, number)).collect();
    if figures.is_empty() { figures } else { format!("<div class=\"edges\">\n{figures}</div>\n") }
}

fn figure(shape: &Curve, number: usize) -> String {
    let breakpoints = shape.breakpoints();
    let (first, last) = (breakpoints[0], breakpoints[breakpoints.len() - 1]);
    let margin = if first < last { MARGIN * (last - first) } else { 1.0 };
    let (low, high) = (first - margin, last + margin);
    let at = |index: usize| low + (high - low) * index as f64 / (POINTS - 1) as f64;
    let line: Vec<(f64, f64)> = (0..POINTS).map(|index| (at(index), shape.value(at(index)))).collect();
    let dots: Vec<(f64, f64)> = breakpoints.iter().map(|x| (*x, shape.value(*x))).collect();
    let name = format!("<math><msub><mi>f</mi><mn>{number}</mn></msub></math>");
    let pieces = shape.pieces().len();
    let picture = curve(&line, &dots, &format!("the curve f_{number}"));
    format!("<figure>{picture}<figcaption>{name}: {pieces} pieces, which meet at the dots</figcaption></figure>\n")
}

#[cfg(test)]
mod tests {
    use super::part;
    use kanrl_symbolic::{ActionRule, Formula};

    #[test]
    fn every_curve_has_a_picture() {
        let text = "curve(x; -1, 1; 0, 1; 1, 2, -1, 3; 2) + curve(y; 0; 0; 0, 1) + curve(x; 0; 0; 0, 1)";
        let formula = Formula::parse(&["x", "y"], &[("a", text)], ActionRule::Threshold).unwrap();
        assert_eq!(part(&formula).matches("<figure>").count(), 2);
        let plain = Formula::parse(&["x"], &[("a", "2*x")], ActionRule::Threshold).unwrap();
        assert_eq!(part(&plain), "");
    }
}
