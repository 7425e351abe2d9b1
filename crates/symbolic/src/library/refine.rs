//! Local refinement of a fit `c·f(u) + d` with `u = p·(1 − t) + q·t`: Levenberg-Marquardt over (p, q) with c and d
//! eliminated (variable projection).
//!
//! # References
//! G. Golub, V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose variables
//! separate", SIAM J. Numer. Anal. 10 (1973), <https://doi.org/10.1137/0710036>; the Jacobian is Kaufman's
//! approximation, BIT 15 (1975), <https://doi.org/10.1007/BF01932995>.

use super::LibraryFunction;
use super::curve::{PreparedCurve, Samples};

/// The argument at both ends of the range, `u(t = 0)` and `u(t = 1)`.
pub(super) type Ends = [f64; 2];

/// Closed interval that both ends must stay in, so that the whole range stays in the function's domain.
pub(super) type Interval = [f64; 2];

/// Where a refinement may go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Where both ends must stay.
    pub bounds: Interval,
    /// The only direction to move in, where c and d make up for the other.
    pub direction: Option<[f64; 2]>,
}

/// Columns that a fit works in.
#[derive(Default)]
pub(super) struct Workspace {
    arguments: Vec<f64>,
    values: Vec<f64>,
    derivatives: Vec<f64>,
}

/// c, and the part of y's sum of squares that the fit explains.
#[derive(Clone, Copy, Debug)]
pub(super) struct Projection {
    pub c: f64,
    pub d: f64,
    pub r_squared: f64,
}

impl Workspace {
    fn fill(&mut self, samples: &Samples, [p, q]: Ends) {
        self.arguments.clear();
        // Both products, so that the ends come out exactly.
        self.arguments.extend(samples.t.iter().map(|t| p * (1.0 - t) + q * t));
        self.values.resize(samples.rows(), 0.0);
        self.derivatives.resize(samples.rows(), 0.0);
    }

    /// The best c and d for these ends; `None` where the function is not finite on a sample.
    pub(super) fn project(&mut self, function: &LibraryFunction, samples: &Samples, ends: Ends) -> Option<Projection> {
        self.fill(samples, ends);
        function.values(&self.arguments, &mut self.values);
        project(&mut self.values, samples)
    }

    /// The best c and d for `f(a·x + b)`.
    pub(super) fn project_affine(
        &mut self,
        function: &LibraryFunction,
        curve: &PreparedCurve,
        a: f64,
        b: f64,
    ) -> Option<Projection> {
        self.arguments.clear();
        self.arguments.extend(curve.x.iter().map(|x| a * x + b));
        self.values.resize(curve.x.len(), 0.0);
        function.values(&self.arguments, &mut self.values);
        project(&mut self.values, &curve.full)
    }

    /// Refines `ends` for at most `iterations` accepted or refused steps; gives the best found.
    pub(super) fn refine(
        &mut self,
        function: &LibraryFunction,
        samples: &Samples,
        limits: Limits,
        start: Ends,
        iterations: usize,
    ) -> Option<(Ends, Projection)> {
        let mut ends = start;
        self.fill(samples, ends);
        kanrl_core::function::UnivariateFunction::evaluate(
            function,
            &self.arguments,
            &mut self.values,
            &mut self.derivatives,
        );
        let mut best = project(&mut self.values, samples)?;
        let mut damping = 1e-3;
        let mut system = self.normal_equations(samples, best.c);
        for _ in 0..iterations {
            let step = match limits.direction {
                Some(direction) => system.step_along(damping, direction),
                None => system.step(damping, ends, limits.bounds),
            };
            let trial = limits.move_within(ends, step);
            if trial == ends {
                break;
            }
            self.fill(samples, trial);
            kanrl_core::function::UnivariateFunction::evaluate(
                function,
                &self.arguments,
                &mut self.values,
                &mut self.derivatives,
            );
            let found = project(&mut self.values, samples).filter(|found| found.r_squared > best.r_squared);
            let Some(found) = found else {
                damping *= 8.0;
                if damping > 1e12 {
                    break;
                }
                continue;
            };
            let left = 1.0 - best.r_squared;
            let gained = found.r_squared - best.r_squared;
            (ends, best) = (trial, found);
            if gained <= 1e-11 * left || left < 1e-15 {
                break;
            }
            damping = (damping * 0.1).max(1e-15);
            system = self.normal_equations(samples, best.c);
        }
        Some((ends, best))
    }

    /// From centered values and derivatives.
    fn normal_equations(&self, samples: &Samples, c: f64) -> NormalEquations {
        let mut sums = [0.0; 11];
        let rows = samples.t.iter().zip(&samples.y).zip(&samples.weight).zip(&self.values).zip(&self.derivatives);
        for ((((t, y), weight), value), derivative) in rows {
            if !derivative.is_finite() {
                continue;
            }
            let (by_p, by_q) = (derivative * (1.0 - t), derivative * t);
            let residual = y - c * value;
            let terms = [
                1.0,
                value * value,
                by_p,
                by_q,
                value * by_p,
                value * by_q,
                by_p * by_p,
                by_p * by_q,
                by_q * by_q,
                residual * by_p,
                residual * by_q,
            ];
            for (sum, term) in sums.iter_mut().zip(terms) {
                *sum += weight * term;
            }
        }
        let [all, vv, p, q, vp, vq, pp, pq, qq, rp, rq] = sums;
        let projected = |gg: f64, g: f64, h: f64, vg: f64, vh: f64| c * c * (gg - g * h / all - vg * vh / vv);
        NormalEquations {
            matrix: [projected(pp, p, p, vp, vp), projected(pq, p, q, vp, vq), projected(qq, q, q, vq, vq)],
            right: [c * rp, c * rq],
        }
    }
}

impl Limits {
    fn move_within(&self, ends: Ends, step: [f64; 2]) -> Ends {
        let [low, high] = self.bounds;
        if self.direction.is_none() {
            return [0, 1].map(|end| (ends[end] + step[end]).clamp(low, high));
        }
        // The whole step is shortened, so that it keeps its direction.
        let room = [0, 1].map(|end| match step[end] {
            up if up > 0.0 => (high - ends[end]) / up,
            down if down < 0.0 => (low - ends[end]) / down,
            _ => 1.0,
        });
        let share = room[0].min(room[1]).clamp(0.0, 1.0);
        [0, 1].map(|end| (ends[end] + share * step[end]).clamp(low, high))
    }
}

/// A symmetric 2×2 system.
struct NormalEquations {
    matrix: [f64; 3],
    right: [f64; 2],
}

impl NormalEquations {
    /// The damped step in one direction.
    fn step_along(&self, damping: f64, direction: [f64; 2]) -> [f64; 2] {
        let [pp, pq, qq] = self.matrix;
        let [x, y] = direction;
        let curvature = (pp * x * x + 2.0 * pq * x * y + qq * y * y).max(0.0) * (1.0 + damping) + f64::MIN_POSITIVE;
        let length = (self.right[0] * x + self.right[1] * y) / curvature;
        if length.is_finite() { direction.map(|part| part * length) } else { [0.0, 0.0] }
    }

    /// The damped step; an end that sits on its bound and would leave it stays.
    fn step(&self, damping: f64, ends: Ends, bounds: Interval) -> [f64; 2] {
        let [pp, pq, qq] = self.matrix;
        // Marquardt's scaling, with a floor for directions that the curve says nothing about.
        let floor = 1e-12 * (pp.abs() + qq.abs()) + f64::MIN_POSITIVE;
        let (pp, qq) = (pp.max(0.0) * (1.0 + damping) + floor, qq.max(0.0) * (1.0 + damping) + floor);
        let determinant = pp * qq - pq * pq;
        let step = if determinant > 0.0 {
            [
                (qq * self.right[0] - pq * self.right[1]) / determinant,
                (pp * self.right[1] - pq * self.right[0]) / determinant,
            ]
        } else {
            [self.right[0] / pp, self.right[1] / qq]
        };
        let leaves =
            |end: usize| (ends[end] <= bounds[0] && step[end] < 0.0) || (ends[end] >= bounds[1] && step[end] > 0.0);
        let step = match (leaves(0), leaves(1)) {
            (true, true) => [0.0, 0.0],
            (true, false) => [0.0, self.right[1] / qq],
            (false, true) => [self.right[0] / pp, 0.0],
            (false, false) => step,
        };
        step.map(|step| if step.is_finite() { step } else { 0.0 })
    }
}

/// Centers the values and fits c and d to them.
fn project(values: &mut [f64], samples: &Samples) -> Option<Projection> {
    let (mut all, mut sum) = (0.0, 0.0);
    for (value, weight) in values.iter().zip(&samples.weight) {
        all += weight;
        sum += weight * value;
    }
    let mean = sum / all;
    if !mean.is_finite() {
        return None;
    }
    let (mut vv, mut vy) = (0.0, 0.0);
    for ((value, weight), y) in values.iter_mut().zip(&samples.weight).zip(&samples.y) {
        *value -= mean;
        vv += weight * *value * *value;
        vy += weight * *value * y;
    }
    // Values that only differ by rounding say nothing.
    let c = if vv > 1e-24 * all * mean * mean { vy / vv } else { 0.0 };
    let r_squared = if samples.total > 0.0 { c * vy / samples.total } else { 0.0 };
    (c.is_finite() && r_squared.is_finite()).then_some(Projection { c, d: samples.mean - c * mean, r_squared })
}
