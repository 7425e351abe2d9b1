//! Shapes between a name and a curve.

use kanrl_core::function::{SampledCurve, SymbolicLibrary};
use kanrl_symbolic::library::{Library, broken_lines, guarded, pairs, smooth};

fn sampled(function: impl Fn(f64) -> f64) -> SampledCurve {
    let x: Vec<f64> = (0..300).map(|index| f64::from(index * 37 % 300) / 75.0 - 2.0).collect();
    SampledCurve { y: x.iter().map(|x| function(*x)).collect(), x }
}

#[test]
fn dead_zones_and_hinges_are_broken_lines() {
    let dead_zone = sampled(|x: f64| 3.0 * (x.abs() - 0.5).max(0.0) * x.signum());
    let best = &broken_lines(&dead_zone)[0];
    assert!(best.r_squared > 0.998 && best.function.expression().expect("text").contains("max("), "{best:?}");
    assert!((best.value(-1.5) + 3.0).abs() < 0.1 && best.value(0.1).abs() < 0.1);
    let hinge = sampled(|x| (x - 0.7).max(0.0));
    let found = broken_lines(&hinge);
    let short = found.iter().min_by(|one, other| one.function.complexity().total_cmp(&other.function.complexity()));
    assert!(short.expect("one").r_squared > 0.99);
    assert!(broken_lines(&SampledCurve { x: vec![1.0; 50], y: vec![2.0; 50] }).is_empty());
}

#[test]
fn sums_of_two_functions_are_found() {
    let curve = sampled(|x| (3.0 * x).sin() + 0.8 * x);
    let library = Library::new(&["x", "x^2", "sin", "tanh"]).expect("known names");
    let singles = library.candidates(&curve);
    assert!(singles[0].r_squared < 0.9);
    let best = &pairs(&library, &singles, 2, &curve)[0];
    assert!(best.r_squared > 0.9999, "{best:?}");
    assert!((best.value(0.4) - (1.2_f64.sin() + 0.32)).abs() < 0.02);
}

#[test]
fn a_smooth_curve_has_as_many_pieces_as_asked_for_and_straight_ends() {
    let curve = sampled(|x| (2.0 * x).sin() + x * x);
    let few = smooth(&curve, 2).expect("enough samples");
    let more = smooth(&curve, 6).expect("enough samples");
    assert!(few.r_squared < more.r_squared && more.r_squared > 0.9999);
    let expression: kanrl_symbolic::Expression = more.function.expression().expect("text").parse().expect("valid");
    assert_eq!(expression.operations(), 8);
    let far = [10.0, 11.0, 12.0].map(|x| more.value(x));
    assert!((far[2] - 2.0 * far[1] + far[0]).abs() < 1e-9);
    assert!(smooth(&sampled(|_| 1.0), 0).is_none());
}

#[test]
fn a_guard_keeps_a_function_finite_everywhere() {
    let curve = sampled(|x| (x + 3.0).ln());
    let library = Library::new(&["log", "sqrt", "arctanh", "exp"]).expect("known names");
    for fitted in library.candidates(&curve) {
        let safe = guarded(fitted.clone(), -2.1, 2.1).expect("defined there");
        assert!((safe.value(1.0) - fitted.value(1.0)).abs() < 1e-12);
        assert!([-1e9, -9.5, 9.5, 1e9].iter().all(|x| safe.value(*x).is_finite()), "{safe:?}");
    }
}
