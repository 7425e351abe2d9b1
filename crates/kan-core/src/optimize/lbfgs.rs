//! L-BFGS with a strong Wolfe line search.

use super::Objective;
use super::vector::{MAX_HISTORY, Pair, Vector};
use std::borrow::{Borrow, BorrowMut};
use std::collections::VecDeque;

/// Sufficient decrease and curvature constants of the line search (Nocedal and Wright's choice for quasi-Newton steps).
const DECREASE: f64 = 1e-4;
const CURVATURE: f64 = 0.9;
/// Evaluations that one line search may take.
const MAX_EVALUATIONS: usize = 25;

/// What one iteration came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The value went down.
    Decreased,
    /// There is nothing left to gain: the gradient is 0 or no shorter step goes down.
    Converged,
}

/// Limited-memory BFGS (Nocedal, 1980; Nocedal and Wright, *Numerical Optimization*, 2nd ed., algorithms 7.5, 3.5 and
/// 3.6). Steps to points where value or gradient is not finite are rejected.
pub struct Lbfgs<V: Vector + ?Sized = [f64]> {
    history: usize,
    x: V::Owned,
    value: f64,
    gradient: V::Owned,
    pairs: VecDeque<Pair<V>>,
    /// Work space: direction, trial point and gradient.
    direction: V::Owned,
    trial: Trial<V>,
    evaluations: usize,
}

struct Trial<V: Vector + ?Sized> {
    x: V::Owned,
    gradient: V::Owned,
}

/// A point on the search line: step, value, directional derivative.
#[derive(Clone, Copy)]
struct Point {
    step: f64,
    value: f64,
    slope: f64,
}

impl<V: Vector + ?Sized> Lbfgs<V> {
    /// Starts at `x`, keeping `history` past steps (pykan and torch use 10).
    pub fn new<O: Objective<V> + ?Sized>(objective: &mut O, x: V::Owned, history: usize) -> Self {
        let zeros = || x.borrow().zeros_like();
        let mut this = Self {
            history,
            value: 0.0,
            gradient: zeros(),
            pairs: VecDeque::with_capacity(history),
            direction: zeros(),
            trial: Trial { x: zeros(), gradient: zeros() },
            evaluations: 1,
            x,
        };
        this.value = objective.evaluate(this.x.borrow(), this.gradient.borrow_mut());
        this
    }

    /// The best point so far.
    pub fn x(&self) -> &V {
        self.x.borrow()
    }

    /// Its value.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Its gradient.
    pub fn gradient(&self) -> &V {
        self.gradient.borrow()
    }

    /// Evaluations of the objective so far.
    pub fn evaluations(&self) -> usize {
        self.evaluations
    }

    /// One iteration: a direction and a line search along it.
    pub fn step<O: Objective<V> + ?Sized>(&mut self, objective: &mut O) -> Step {
        if !self.value.is_finite() || self.gradient().norm_max() == 0.0 {
            return Step::Converged;
        }
        loop {
            let fresh = self.pairs.is_empty();
            V::set_direction(self.direction.borrow_mut(), self.gradient.borrow(), &self.pairs);
            let slope = V::dot(self.gradient.borrow(), self.direction.borrow());
            // Without curvature the length of the gradient says nothing: start with a step of length at most 1.
            let first = if fresh { (1.0 / self.gradient().norm_one()).min(1.0) } else { 1.0 };
            if slope < 0.0 && self.search(objective, first, slope) {
                return Step::Decreased;
            }
            if fresh {
                return Step::Converged;
            }
            self.pairs.clear();
        }
    }

    /// Strong Wolfe line search; takes the step and says whether there was one.
    fn search<O: Objective<V> + ?Sized>(&mut self, objective: &mut O, first: f64, slope: f64) -> bool {
        let origin = Point { step: 0.0, value: self.value, slope };
        let mut left = MAX_EVALUATIONS;
        let (mut previous, mut step, mut ceiling) = (origin, first, f64::INFINITY);
        // Bracketing.
        let (mut low, mut high) = loop {
            if left == 0 {
                return self.accept(objective, previous, origin);
            }
            left -= 1;
            let point = self.probe(objective, step);
            let Some(point) = point else {
                // Outside the domain: come back to the last good point.
                ceiling = step;
                step = 0.5 * (previous.step + step);
                continue;
            };
            if point.value > origin.value + DECREASE * point.step * origin.slope
                || (previous.step > 0.0 && point.value >= previous.value)
            {
                break (previous, point);
            }
            if point.slope.abs() <= -CURVATURE * origin.slope {
                return self.accept(objective, point, origin);
            }
            if point.slope >= 0.0 {
                break (point, previous);
            }
            let next = cubic_minimum(previous, point).clamp(1.1 * point.step, 10.0 * point.step);
            step = if next < ceiling { next } else { 0.5 * (point.step + ceiling) };
            previous = point;
        };
        // Zoom.
        while left > 0 {
            left -= 1;
            let width = (high.step - low.step).abs();
            if width <= f64::EPSILON * low.step.max(high.step) {
                break;
            }
            let (bottom, top) = (low.step.min(high.step), low.step.max(high.step));
            let step = cubic_minimum(low, high).clamp(bottom + 0.1 * width, top - 0.1 * width);
            let Some(point) = self.probe(objective, step) else {
                high = Point { step, value: f64::INFINITY, slope: f64::INFINITY };
                continue;
            };
            if point.value > origin.value + DECREASE * step * origin.slope || point.value >= low.value {
                high = point;
                continue;
            }
            if point.slope.abs() <= -CURVATURE * origin.slope {
                return self.accept(objective, point, origin);
            }
            if point.slope * (high.step - low.step) >= 0.0 {
                high = low;
            }
            low = point;
        }
        self.accept(objective, low, origin)
    }

    /// Evaluates at `step` along the direction; `None` where that is not finite.
    fn probe<O: Objective<V> + ?Sized>(&mut self, objective: &mut O, step: f64) -> Option<Point> {
        V::set_sum(self.trial.x.borrow_mut(), self.x.borrow(), step, self.direction.borrow());
        self.evaluations += 1;
        let value = objective.evaluate(self.trial.x.borrow(), self.trial.gradient.borrow_mut());
        let slope = V::dot(self.trial.gradient.borrow(), self.direction.borrow());
        (value.is_finite() && slope.is_finite()).then_some(Point { step, value, slope })
    }

    /// Moves to `point` if it is lower than `origin`, and remembers the step.
    fn accept<O: Objective<V> + ?Sized>(&mut self, objective: &mut O, point: Point, origin: Point) -> bool {
        if point.step == 0.0 || point.value >= origin.value {
            return false;
        }
        // The search may have tried another point last.
        let is_there = V::is_sum(self.trial.x.borrow(), self.x.borrow(), point.step, self.direction.borrow());
        if !is_there && self.probe(objective, point.step).is_none() {
            return false;
        }
        let mut pair = if self.pairs.len() >= self.history.min(MAX_HISTORY) {
            self.pairs.pop_front().expect("the history is full")
        } else {
            let zeros = || self.x().zeros_like();
            Pair { s: zeros(), y: zeros(), rho: 0.0 }
        };
        V::set_sum(pair.s.borrow_mut(), self.trial.x.borrow(), -1.0, self.x.borrow());
        V::set_sum(pair.y.borrow_mut(), self.trial.gradient.borrow(), -1.0, self.gradient.borrow());
        let (s, y): (&V, &V) = (pair.s.borrow(), pair.y.borrow());
        let curvature = s.dot(y);
        if curvature > 1e-10 * s.dot(s).sqrt() * y.dot(y).sqrt() {
            pair.rho = 1.0 / curvature;
            self.pairs.push_back(pair);
        }
        std::mem::swap(&mut self.x, &mut self.trial.x);
        std::mem::swap(&mut self.gradient, &mut self.trial.gradient);
        self.value = point.value;
        true
    }
}

/// Minimum of the cubic through two points with slopes; their middle where there is none.
fn cubic_minimum(a: Point, b: Point) -> f64 {
    let d1 = a.slope + b.slope - 3.0 * (a.value - b.value) / (a.step - b.step);
    let square = d1 * d1 - a.slope * b.slope;
    let d2 = square.sqrt() * (b.step - a.step).signum();
    let minimum = b.step - (b.step - a.step) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2));
    if minimum.is_finite() { minimum } else { 0.5 * (a.step + b.step) }
}

#[cfg(test)]
mod tests {
    use super::{Lbfgs, Step};
    use crate::optimize::Objective;

    struct Rosenbrock;

    impl Objective for Rosenbrock {
        fn dimension(&self) -> usize {
            4
        }

        fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
            gradient.fill(0.0);
            (0..3)
                .map(|i| {
                    let (a, b) = (1.0 - x[i], x[i + 1] - x[i] * x[i]);
                    gradient[i] += -2.0 * a - 400.0 * x[i] * b;
                    gradient[i + 1] += 200.0 * b;
                    a * a + 100.0 * b * b
                })
                .sum()
        }
    }

    /// `x − ln x`: not finite left of 0.
    struct Barrier;

    impl Objective for Barrier {
        fn dimension(&self) -> usize {
            1
        }

        fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
            gradient[0] = 1.0 - 1.0 / x[0];
            x[0] - x[0].ln()
        }
    }

    fn minimize(objective: &mut dyn Objective, start: Vec<f64>, steps: usize) -> Lbfgs {
        let mut lbfgs = Lbfgs::new(objective, start, 10);
        for _ in 0..steps {
            if lbfgs.step(objective) == Step::Converged {
                break;
            }
        }
        lbfgs
    }

    #[test]
    fn finds_the_bottom_of_the_valley() {
        let lbfgs = minimize(&mut Rosenbrock, vec![-1.2, 1.0, -0.7, 2.0], 200);
        assert!(lbfgs.x().iter().all(|x| (x - 1.0).abs() < 1e-8), "{:?}", lbfgs.x());
        assert!(lbfgs.evaluations() < 150, "{}", lbfgs.evaluations());
    }

    #[test]
    fn steps_back_where_the_objective_is_not_finite() {
        let lbfgs = minimize(&mut Barrier, vec![50.0], 100);
        assert!((lbfgs.x()[0] - 1.0).abs() < 1e-7, "{:?}", lbfgs.x());
    }
}
