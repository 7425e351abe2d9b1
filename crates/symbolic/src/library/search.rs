//! The search for `c·f(a·x + b) + d`: a coarse grid that knows the function's symmetries, then local refinement.

use super::LibraryFunction;
use super::curve::{PreparedCurve, Samples};
use super::piecewise;
use super::refine::{Ends, Interval, Limits, Projection, Workspace};
use kanrl_core::function::{Domain, UnivariateFunction};
use std::f64::consts::{FRAC_PI_2, PI};

/// What a function's affines can be reduced to: the directions of (a, b) that c and d make up for need no search, and
/// are set to what reads best.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Family {
    /// `c·0 + d`.
    Constant,
    /// a and b are free.
    Linear,
    /// `x^n`: |a| is free.
    Power(f64),
    /// |a| is free.
    Logarithm,
    /// b is free.
    Exponential,
    /// `|x|`: |a| is free, exact search over the kink.
    Kink,
    /// `sign x`: |a| is free, exact search over the jump.
    Jump,
    /// Sine or cosine: b in closed form.
    Sinusoid,
    /// Nothing is free; f or its mirror image is odd or even, so a > 0 will do.
    General,
    /// Nothing is free.
    User,
}

/// Affines of a function on a curve.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fit {
    pub a: f64,
    pub b: f64,
    pub c: f64,
    pub d: f64,
}

/// How many of the grid's best are refined on the coarse samples.
const STARTS: usize = 4;

/// Steps of refinement on the coarse samples, and then on all.
const STEPS: [usize; 2] = [100, 50];

/// Fits a function to a curve; `None` where no argument keeps it in its domain.
pub(super) fn fit(function: &LibraryFunction, curve: &PreparedCurve, workspace: &mut Workspace) -> Option<Fit> {
    let family = function.family();
    let (a, b) = match family {
        Family::Constant | Family::Linear => (1.0, 0.0),
        Family::Kink => (1.0, -(curve.low + curve.width * piecewise::kink(&curve.full))),
        Family::Jump => (1.0, -piecewise::jump(&curve.full, &curve.x)),
        _ => normalize(family, searched(function, curve, workspace)?, curve),
    };
    let (a, b) = settle(function.domain(), a, b, curve)?;
    // c and d anew, for the arguments as they will be computed.
    let Projection { c, d, .. } = workspace.project_affine(function, curve, a, b)?;
    Some(Fit { a, b, c, d })
}

fn searched(function: &LibraryFunction, curve: &PreparedCurve, workspace: &mut Workspace) -> Option<Ends> {
    let bounds = bounds(function.domain());
    let mut starts: Vec<(f64, Ends)> = Vec::new();
    let grid = match function.family() {
        Family::Sinusoid => sinusoid_grid(function, &curve.coarse),
        family => grid(family, bounds, function.domain()),
    };
    for line in grid {
        // Along a line neighbors lead to the same optimum: only local maxima are worth refining.
        let scores: Vec<f64> = line
            .iter()
            .map(|ends| workspace.project(function, &curve.coarse, *ends).map_or(-1.0, |found| found.r_squared))
            .collect();
        for (index, score) in scores.iter().enumerate() {
            let before = index.checked_sub(1).map_or(-1.0, |index| scores[index]);
            let after = scores.get(index + 1).copied().unwrap_or(-1.0);
            if *score >= before && *score > after {
                starts.push((*score, line[index]));
            }
        }
    }
    starts.sort_by(|left, right| right.0.total_cmp(&left.0));
    starts.truncate(STARTS);
    let direction = match function.family() {
        Family::Power(_) | Family::Logarithm => Some([1.0, 1.0]),
        Family::Exponential => Some([-1.0, 1.0]),
        _ => None,
    };
    let limits = Limits { bounds, direction };
    let mut refined: Vec<(Ends, Projection)> = starts
        .iter()
        .filter_map(|(_, start)| workspace.refine(function, &curve.coarse, limits, *start, STEPS[0]))
        .collect();
    refined.sort_by(|left, right| right.1.r_squared.total_cmp(&left.1.r_squared));
    let all = |(start, _)| workspace.refine(function, &curve.full, limits, start, STEPS[1]);
    refined.into_iter().find_map(all).map(|(ends, _)| ends)
}

/// Where both ends of the range must stay for the function to be safe on all of it.
fn bounds(domain: Domain) -> Interval {
    /// Distance from an open end.
    const CLEARANCE: f64 = 1e-6;
    /// Distance from a pole or a logarithm's end, where functions are measured by their distance from it.
    const LEAST: f64 = 1e-9;
    match domain {
        Domain::All => [-1e6, 1e6],
        // A function with a pole at 0 is searched on one side; the other is its mirror image.
        Domain::Positive | Domain::NonZero => [LEAST, 1e6],
        Domain::NonNegative => [0.0, 1e6],
        Domain::UnitInterval => [-1.0, 1.0],
        Domain::OpenUnitInterval => [-1.0 + CLEARANCE, 1.0 - CLEARANCE],
        Domain::BetweenPoles => [-FRAC_PI_2 + CLEARANCE, FRAC_PI_2 - CLEARANCE],
    }
}

/// Lines of starting points.
fn grid(family: Family, bounds: Interval, domain: Domain) -> Vec<Vec<Ends>> {
    let powers_of = |base: f64, exponents: std::ops::RangeInclusive<i32>| -> Vec<f64> {
        exponents.map(|exponent| base.powi(exponent)).collect()
    };
    match family {
        Family::Power(_) | Family::Logarithm if domain != Domain::All => {
            // Distance of the singular point from the nearer end of the range.
            let distances: Vec<f64> = [0.0].into_iter().chain(powers_of(2.0, -30..=10)).collect();
            let inside = |distance: &f64| distance.max(bounds[0]);
            vec![
                distances.iter().map(|distance| [inside(distance), inside(distance) + 1.0]).collect(),
                distances.iter().map(|distance| [inside(distance) + 1.0, inside(distance)]).collect(),
            ]
        }
        Family::Power(_) | Family::Logarithm => {
            let before = powers_of(2.0, -2..=10).into_iter().rev().map(|distance| -distance);
            let within = (0..=32).map(|step| f64::from(step) / 32.0);
            let after = powers_of(2.0, -2..=10).into_iter().map(|distance| 1.0 + distance);
            vec![before.chain(within).chain(after).map(|root| [-root, 1.0 - root]).collect()]
        }
        Family::Exponential => {
            let line = |sign: f64| powers_of(1.5, -12..=14).iter().map(|a| [-sign * a / 2.0, sign * a / 2.0]).collect();
            vec![line(1.0), line(-1.0)]
        }
        _ if bounds[0] > -1e6 && bounds[1] < 1e6 => {
            let middle = (bounds[0] + bounds[1]) / 2.0;
            let half = (bounds[1] - bounds[0]) / 2.0;
            let places = [-1.0, -0.9999, -0.998, -0.98, -0.9, -0.7, -0.4, 0.0, 0.4, 0.7, 0.9, 0.98, 0.998, 0.9999, 1.0];
            let places = places.map(|place: f64| middle + half * place);
            places.iter().map(|p| places.iter().filter(|q| *q != p).map(|q| [*p, *q]).collect()).collect()
        }
        _ if bounds[0] > -1e6 => {
            let places: Vec<f64> = powers_of(2.0, -8..=8).iter().map(|place| bounds[0] + place).collect();
            places.iter().map(|p| places.iter().filter(|q| *q != p).map(|q| [*p, *q]).collect()).collect()
        }
        _ => {
            let scales = powers_of(2.0, -2..=7);
            let signs: &[f64] = if family == Family::User { &[1.0, -1.0] } else { &[1.0] };
            let lines = signs.iter().flat_map(|sign| scales.iter().map(move |scale| sign * scale));
            lines
                .map(|scale| {
                    centers(scale).into_iter().map(|center| [-scale * center, scale * (1.0 - center)]).collect()
                })
                .collect()
        }
    }
}

/// Where in t the argument is 0: within the range, and beyond it by what still shows a tail.
fn centers(scale: f64) -> Vec<f64> {
    let steps = scale.abs().clamp(8.0, 64.0) as u32;
    let tails = [8.0, 4.0, 2.0, 1.0].map(|tail: f64| tail / scale.abs());
    let before = tails.into_iter().map(|tail| -tail);
    let within = (0..=steps).map(|step| f64::from(step) / f64::from(steps));
    before.chain(within).chain(tails.into_iter().rev().map(|tail| 1.0 + tail)).collect()
}

/// For every frequency the best phase, from the linear fit of a sine and a cosine.
fn sinusoid_grid(function: &LibraryFunction, samples: &Samples) -> Vec<Vec<Ends>> {
    // Frequencies beyond what the coarse samples can show are left out.
    let steps = 4 * samples.rows();
    let quarter = if function.name() == "cos" { FRAC_PI_2 } else { 0.0 };
    let line = (1..=steps).map(|step| {
        let frequency = 0.5 * step as f64;
        let phase = best_phase(samples, frequency) - quarter;
        [phase, phase + frequency]
    });
    vec![line.collect()]
}

/// φ of the least-squares fit of `sin(frequency·t + φ)` with offset.
fn best_phase(samples: &Samples, frequency: f64) -> f64 {
    let mut sums = [0.0; 8];
    for ((t, y), weight) in samples.t.iter().zip(&samples.y).zip(&samples.weight) {
        let (sine, cosine) = (frequency * t).sin_cos();
        let terms = [1.0, sine, cosine, sine * sine, sine * cosine, cosine * cosine, sine * y, cosine * y];
        for (sum, term) in sums.iter_mut().zip(terms) {
            *sum += weight * term;
        }
    }
    let [all, s, c, ss, sc, cc, sy, cy] = sums;
    let (ss, sc, cc) = (ss - s * s / all, sc - s * c / all, cc - c * c / all);
    // By Cramer's rule; the sign of the determinant is all that matters to the angle, and it is positive.
    (cy * ss - sy * sc).atan2(sy * cc - cy * sc)
}

/// From the ends of the range to affines in x, with the free directions set to what reads best.
fn normalize(family: Family, [p, q]: Ends, curve: &PreparedCurve) -> (f64, f64) {
    let a = (q - p) / curve.width;
    let b = p - a * curve.low;
    match family {
        // A whole power of −(x + b) is plus or minus that of x + b.
        Family::Power(exponent) if exponent == exponent.trunc() => (1.0, b / a),
        Family::Power(_) | Family::Logarithm => (a.signum(), b / a.abs()),
        Family::Exponential if b.abs() < 200.0 => (a, 0.0),
        // The sign that a half period brings goes into c.
        Family::Sinusoid => (a, b - PI * (b / PI).round()),
        _ => (a, b),
    }
}

/// Moves affines by rounding errors' worth until the whole range is in the domain again.
fn settle(domain: Domain, mut a: f64, mut b: f64, curve: &PreparedCurve) -> Option<(f64, f64)> {
    for _ in 0..8 {
        let [first, last] = [curve.low, curve.low + curve.width].map(|x| a * x + b);
        let (least, most) = (first.min(last), first.max(last));
        if domain.contains(least, most) {
            return Some((a, b));
        }
        match domain {
            Domain::NonNegative | Domain::Positive => b += 2.0 * (-least).max(f64::EPSILON * b.abs()),
            _ => (a, b) = (a * (1.0 - 4.0 * f64::EPSILON), b * (1.0 - 4.0 * f64::EPSILON)),
        }
    }
    None
}
