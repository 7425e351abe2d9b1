//! `c·f(a·x + b) + d` fitted to a curve for any function, knowing nothing of it but its values and its domain.

use super::{FittedFunction, SampledCurve, UnivariateFunction};
use std::sync::Arc;

/// Where the search puts the ends of the curve's range, as arguments of the function.
const ENDS: [f64; 13] = [-8.0, -4.0, -2.0, -1.0, -0.5, -0.1, 0.0, 0.1, 0.5, 1.0, 2.0, 4.0, 8.0];
/// Samples that the search looks at.
const SAMPLES: usize = 200;
/// Steps of the search around the best pair of ends; each is a halving or a move.
const STEPS: usize = 200;
/// How much simplicity counts compared with the fit, as pykan's `weight_simple`.
const SIMPLICITY: f64 = 0.2;

/// Every function that fits at all, the best one first: by `0.2 · complexity + 0.8 · log₂(1 + 10⁻⁵ − r²)`, as pykan ranks.
pub(super) fn candidates(functions: &[Arc<dyn UnivariateFunction>], curve: &SampledCurve) -> Vec<FittedFunction> {
    let mut fitted: Vec<FittedFunction> = functions.iter().filter_map(|function| fit(function, curve)).collect();
    let score = |candidate: &FittedFunction| {
        let miss = (1.0 + 1e-5 - candidate.r_squared).log2();
        SIMPLICITY * candidate.function.complexity() + (1.0 - SIMPLICITY) * miss
    };
    // Stable, so that equals keep the library's order.
    fitted.sort_by(|left, right| score(left).total_cmp(&score(right)));
    fitted
}

fn fit(function: &Arc<dyn UnivariateFunction>, curve: &SampledCurve) -> Option<FittedFunction> {
    let fold = |start: f64, choose: fn(f64, f64) -> f64| curve.x.iter().copied().fold(start, choose);
    let (low, high) = (fold(f64::INFINITY, f64::min), fold(f64::NEG_INFINITY, f64::max));
    if high.partial_cmp(&low) != Some(std::cmp::Ordering::Greater) {
        return None;
    }
    let every = curve.x.len().div_ceil(SAMPLES);
    let few = SampledCurve {
        x: curve.x.iter().copied().step_by(every).collect(),
        y: curve.y.iter().copied().step_by(every).collect(),
    };
    // Ends of the range after the inner affine: a = (q − p) / (high − low).
    let affine = |(p, q): (f64, f64)| {
        let a = (q - p) / (high - low);
        (a, p - a * low)
    };
    let fits = |ends: (f64, f64), curve: &SampledCurve| {
        let (p, q) = ends;
        let is_safe = p != q && function.domain().contains(p.min(q), p.max(q));
        is_safe.then(|| project(function.as_ref(), affine(ends), curve)).flatten()
    };
    let grid = ENDS.iter().flat_map(|p| ENDS.iter().map(move |q| (*p, *q)));
    // The argument as it is comes first, and only what is better takes its place.
    let mut best: Option<((f64, f64), f64)> = None;
    for ends in std::iter::once((low, high)).chain(grid) {
        if let Some((_, _, r_squared)) = fits(ends, &few)
            && best.is_none_or(|(_, known)| r_squared > known + 1e-12)
        {
            best = Some((ends, r_squared));
        }
    }
    let (mut ends, mut r_squared) = best?;
    let mut step = 0.25 * (ends.1 - ends.0).abs();
    for _ in 0..STEPS {
        let (p, q) = ends;
        let moves =
            [(p + step, q), (p - step, q), (p, q + step), (p, q - step), (p + step, q + step), (p - step, q - step)];
        let better = moves.into_iter().filter_map(|ends| Some((ends, fits(ends, &few)?.2)));
        match better.max_by(|left, right| left.1.total_cmp(&right.1)) {
            Some((found, value)) if value > r_squared + 1e-12 => (ends, r_squared) = (found, value),
            _ => step *= 0.5,
        }
    }
    let (a, b) = affine(ends);
    let (c, d, r_squared) = project(function.as_ref(), (a, b), curve)?;
    Some(FittedFunction { function: function.clone(), a, b, c, d, r_squared })
}

/// The outer affine that fits best, and its r²; none where a value is not finite.
fn project(function: &dyn UnivariateFunction, (a, b): (f64, f64), curve: &SampledCurve) -> Option<(f64, f64, f64)> {
    let count = curve.x.len() as f64;
    let values: Vec<f64> = curve.x.iter().map(|x| function.value(a * x + b)).collect();
    let (mean, target) = (values.iter().sum::<f64>() / count, curve.y.iter().sum::<f64>() / count);
    let (mut square, mut product, mut total) = (0.0, 0.0, 0.0);
    for (value, y) in values.iter().zip(&curve.y) {
        square += (value - mean).powi(2);
        product += (value - mean) * (y - target);
        total += (y - target).powi(2);
    }
    let c = if square > 0.0 { product / square } else { 0.0 };
    let d = target - c * mean;
    let residual: f64 = values.iter().zip(&curve.y).map(|(value, y)| (y - c * value - d).powi(2)).sum();
    let r_squared = if total > 0.0 { 1.0 - residual / total } else { f64::from(u8::from(residual == 0.0)) };
    [c, d, r_squared].iter().all(|number| number.is_finite()).then_some((c, d, r_squared))
}

#[cfg(test)]
mod tests {
    use crate::function::{Domain, FittedFunction, Identity, SampledCurve, SymbolicLibrary, UnivariateFunction};
    use std::sync::Arc;

    #[derive(Debug)]
    struct Sine;

    impl UnivariateFunction for Sine {
        fn name(&self) -> &str {
            "sin"
        }

        fn value(&self, x: f64) -> f64 {
            x.sin()
        }

        fn derivative(&self, x: f64) -> f64 {
            x.cos()
        }

        fn domain(&self) -> Domain {
            Domain::All
        }

        fn complexity(&self) -> f64 {
            2.0
        }
    }

    #[derive(Debug)]
    struct Two(Vec<Arc<dyn UnivariateFunction>>);

    impl SymbolicLibrary for Two {
        fn functions(&self) -> &[Arc<dyn UnivariateFunction>] {
            &self.0
        }
    }

    #[test]
    fn a_library_of_functions_only_names_curves() {
        let library = Two(vec![Arc::new(Identity), Arc::new(Sine)]);
        let x: Vec<f64> = (0..300).map(|index| f64::from(index) * 0.01).collect();
        let curve = |of: fn(f64) -> f64| SampledCurve { y: x.iter().map(|x| of(*x)).collect(), x: x.clone() };
        let best = |curve: &SampledCurve| -> FittedFunction { library.candidates(curve).remove(0) };
        let sine = best(&curve(|x| 2.0 * (1.5 * x + 0.3).sin() - 1.0));
        assert_eq!(sine.function.name(), "sin");
        assert!(sine.r_squared > 1.0 - 1e-6, "{sine:?}");
        let line = best(&curve(|x| 3.0 - 0.5 * x));
        assert_eq!((line.function.name(), line.a, line.b), ("x", 1.0, 0.0));
        assert!((line.c + 0.5).abs() < 1e-9 && (line.d - 3.0).abs() < 1e-9, "{line:?}");
    }
}
