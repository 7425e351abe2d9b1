//! Plots as SVG, in the page's own colors: `currentColor` for text and axes, classes for the marks.

use super::html::{escape, number};
use std::fmt::Write;

/// Width of a plot, in its own units: about a phone's width in pixels.
const WIDTH: f64 = 380.0;

/// A policy's place in [`intervals`].
pub(super) struct IntervalRow {
    pub(super) name: String,
    pub(super) estimate: f64,
    /// The estimate's 95 % interval.
    pub(super) interval: Option<(f64, f64)>,
    /// What nine of ten episodes lie in.
    pub(super) spread: Option<(f64, f64)>,
}

/// Estimates with their intervals, one row each.
pub(super) fn intervals(rows: &[IntervalRow], label: &str) -> String {
    const ROW: f64 = 26.0;
    let ends = rows.iter().flat_map(|row| {
        let pair = |pair: Option<(f64, f64)>| pair.into_iter().flat_map(|(low, high)| [low, high]);
        [row.estimate].into_iter().chain(pair(row.interval)).chain(pair(row.spread))
    });
    let axis = Axis::over(ends, 92.0, WIDTH - 16.0);
    let bottom = ROW * rows.len() as f64 + 8.0;
    let mut svg = open(WIDTH, bottom + 38.0, label);
    axis.draw_across(&mut svg, 4.0, bottom, label);
    for (index, row) in rows.iter().enumerate() {
        let y = ROW * (index as f64 + 0.5) + 4.0;
        let _ = writeln!(svg, "<text x=\"84\" y=\"{:.1}\" text-anchor=\"end\">{}</text>", y + 4.0, escape(&row.name));
        let line = |pair: Option<(f64, f64)>, class: &str| {
            pair.map_or_else(String::new, |(low, high)| {
                let (left, right) = (axis.at(low), axis.at(high));
                format!("<line class=\"{class}\" x1=\"{left:.1}\" y1=\"{y:.1}\" x2=\"{right:.1}\" y2=\"{y:.1}\"/>\n")
            })
        };
        svg += &line(row.spread, "spread");
        svg += &line(row.interval, "interval");
        let _ = writeln!(svg, "<circle class=\"mark\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\"/>", axis.at(row.estimate));
    }
    svg + "</svg>\n"
}

/// A point of [`scatter`].
pub(super) struct Point {
    pub(super) name: String,
    pub(super) x: f64,
    pub(super) y: f64,
    /// Whether no other point is better in both.
    pub(super) best: bool,
}

/// Whether no place is to the left and above: fewer operations for no less return, or more return for no more.
pub(super) fn is_best((x, y): (f64, f64), places: &[(f64, f64)]) -> bool {
    !places.iter().any(|(other_x, other_y)| *other_x <= x && *other_y >= y && (*other_x < x || *other_y > y))
}

/// A plot as a document of its own, with the colors that the page would give it.
pub(super) fn document(plot: &str) -> String {
    const STYLE: &str = "<style>svg { background: #ffffff; font: 12px sans-serif; color: #1a1d21; } .small { font-size: 11px; } \
        .grid { stroke: #d7dbe0; } .mark { fill: #0b62c4; } .mark.other { fill: #5b6470; } \
        .front { fill: none; stroke: #0b62c4; stroke-width: 1.2; }</style>\n";
    let start = plot.find('\n').map_or(0, |end| end + 1);
    let head = plot[..start].replacen("<svg", "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"760\"", 1);
    format!("{head}{STYLE}{}", &plot[start..])
}

/// Named points; those that are best are joined by a line.
pub(super) fn scatter(points: &[Point], x_label: &str, y_label: &str) -> String {
    const HEIGHT: f64 = 260.0;
    let across = Axis::over(points.iter().map(|point| point.x), 56.0, WIDTH - 24.0);
    let up = Axis::over(points.iter().map(|point| point.y), HEIGHT - 44.0, 22.0);
    let mut svg = open(WIDTH, HEIGHT, &format!("{y_label} against {x_label}"));
    across.draw_across(&mut svg, 22.0, HEIGHT - 44.0, x_label);
    up.draw_up(&mut svg, 56.0, WIDTH - 24.0, y_label);
    let mut best: Vec<&Point> = points.iter().filter(|point| point.best).collect();
    best.sort_by(|first, second| first.x.total_cmp(&second.x));
    let path: Vec<String> =
        best.iter().map(|point| format!("{:.1},{:.1}", across.at(point.x), up.at(point.y))).collect();
    let _ = writeln!(svg, "<polyline class=\"front\" points=\"{}\"/>", path.join(" "));
    for point in points {
        let (x, y) = (across.at(point.x), up.at(point.y));
        let class = if point.best { "mark" } else { "mark other" };
        let _ = writeln!(
            svg,
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"><title>{0}</title></circle>",
            escape(&point.name)
        );
    }
    // Points at one place share a label.
    let mut labeled: Vec<(f64, f64)> = Vec::new();
    for point in best {
        let place = (point.x, point.y);
        if labeled.contains(&place) {
            continue;
        }
        labeled.push(place);
        let others = points.iter().filter(|other| (other.x, other.y) == place).count() - 1;
        let more = if others > 0 { format!(" and {others} more") } else { String::new() };
        let (x, y) = (across.at(point.x), up.at(point.y));
        let (anchor, shift) = if x > WIDTH * 0.6 { ("end", -7.0) } else { ("start", 7.0) };
        let _ = writeln!(
            svg,
            "<text class=\"small\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}{more}</text>",
            x + shift,
            y - 6.0,
            escape(&point.name)
        );
    }
    svg + "</svg>\n"
}

/// A curve with dots behind it, in a box of its own range.
pub(super) fn curve(line: &[(f64, f64)], dots: &[(f64, f64)], label: &str) -> String {
    const SIZE: (f64, f64) = (180.0, 120.0);
    let finite = |(x, y): &&(f64, f64)| x.is_finite() && y.is_finite();
    let all = || line.iter().chain(dots).filter(finite);
    let across = Axis::over(all().map(|point| point.0), 6.0, SIZE.0 - 6.0);
    let up = Axis::over(all().map(|point| point.1), SIZE.1 - 18.0, 6.0);
    let mut svg = open(SIZE.0, SIZE.1, label);
    let _ = writeln!(svg, "<rect class=\"frame\" x=\"0.5\" y=\"0.5\" width=\"179\" height=\"104\"/>");
    for (x, y) in dots.iter().filter(finite) {
        let _ = writeln!(svg, "<circle class=\"dot\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"1.8\"/>", across.at(*x), up.at(*y));
    }
    let path: Vec<String> =
        line.iter().filter(finite).map(|(x, y)| format!("{:.1},{:.1}", across.at(*x), up.at(*y))).collect();
    let _ = writeln!(svg, "<polyline class=\"curve\" points=\"{}\"/>", path.join(" "));
    let ends = all().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (x, _)| (low.min(*x), high.max(*x)));
    let _ = writeln!(svg, "<text class=\"small\" x=\"1\" y=\"117\">{}</text>", number(ends.0));
    let _ = writeln!(svg, "<text class=\"small\" x=\"179\" y=\"117\" text-anchor=\"end\">{}</text>", number(ends.1));
    svg + "</svg>\n"
}

fn open(width: f64, height: f64, label: &str) -> String {
    format!("<svg viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{}\">\n", escape(label))
}

/// A linear scale from values to places.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| value.is_finite()) {
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let room = if high > low { 0.04 * (high - low) } else { low.abs().max(1.0) * 0.05 };
        Self { low: low - room, high: high + room, from, to }
    }

    fn at(&self, value: f64) -> f64 {
        self.from + (self.to - self.from) * (value - self.low) / (self.high - self.low)
    }

    /// Round values inside, about four of them.
    fn ticks(&self) -> Vec<f64> {
        let raw = (self.high - self.low) / 4.0;
        let power = 10f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= raw);
        let step = step.unwrap_or(10.0 * power);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step).floor() as i64;
        (first..=last).map(|index| index as f64 * step).collect()
    }

    fn draw_across(&self, svg: &mut String, top: f64, bottom: f64, label: &str) {
        for tick in self.ticks() {
            let x = self.at(tick);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{top:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\"/>\
                 <text class=\"small\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                bottom + 13.0,
                number(tick)
            );
        }
        let middle = (self.from + self.to) / 2.0;
        let _ = writeln!(
            svg,
            "<text class=\"small\" x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            bottom + 29.0,
            escape(label)
        );
    }

    fn draw_up(&self, svg: &mut String, left: f64, right: f64, label: &str) {
        for tick in self.ticks() {
            let y = self.at(tick);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{left:.1}\" y1=\"{y:.1}\" x2=\"{right:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"small\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                left - 5.0,
                y + 4.0,
                number(tick)
            );
        }
        let _ = writeln!(svg, "<text class=\"small\" x=\"4\" y=\"12\">{}</text>", escape(label));
    }
}

#[cfg(test)]
mod tests {
    use super::Axis;

    #[test]
    fn ticks_are_round_and_inside() {
        let axis = Axis::over([0.0, 487.0].into_iter(), 0.0, 100.0);
        assert_eq!(axis.ticks(), [0.0, 200.0, 400.0]);
        let axis = Axis::over([-1.5, -1.5].into_iter(), 0.0, 100.0);
        assert!(axis.ticks().iter().all(|tick| (0.0..=100.0).contains(&axis.at(*tick))));
        assert!((axis.at(-1.5) - 50.0).abs() < 1e-9);
    }
}
