//! CMA-ES on the standard test functions (Hansen, arXiv 1604.00772, Appendix B), each from three seeds.

use kanrl_core::optimize::CmaEs;

/// How a search ended.
struct Ended {
    value: f64,
    evaluations: usize,
    mean: Vec<f64>,
}

/// Searches from `start` until a value is below `target`, nothing more is to be gained, or `most` evaluations are spent.
fn search(function: fn(&[f64]) -> f64, start: &[f64], candidates: usize, seed: u64, target: f64, most: usize) -> Ended {
    let mut search = CmaEs::new(start, 1.0, candidates, seed);
    let (mut value, mut evaluations) = (f64::INFINITY, 0);
    while value > target && evaluations < most && !search.is_exhausted() {
        let values: Vec<f64> = search.ask().iter().map(|x| function(x)).collect();
        evaluations += values.len();
        value = values.iter().copied().fold(value, f64::min);
        search.tell(&values);
    }
    Ended { value, evaluations, mean: search.mean().to_vec() }
}

fn sphere(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum()
}

/// Axes of lengths from 1 to 1000.
fn ellipsoid(x: &[f64]) -> f64 {
    let last = (x.len() - 1) as f64;
    x.iter().enumerate().map(|(index, x)| 1e6_f64.powf(index as f64 / last) * x * x).sum()
}

fn rosenbrock(x: &[f64]) -> f64 {
    x.windows(2).map(|pair| 100.0 * (pair[1] - pair[0] * pair[0]).powi(2) + (1.0 - pair[0]).powi(2)).sum()
}

fn rastrigin(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x - 10.0 * (std::f64::consts::TAU * x).cos() + 10.0).sum()
}

#[test]
fn the_sphere_is_found() {
    for seed in 0..3 {
        let ended = search(sphere, &[3.0; 10], CmaEs::default_candidates(10), seed, 1e-12, 4000);
        assert!(ended.value <= 1e-12, "seed {seed}: {:e} after {}", ended.value, ended.evaluations);
    }
    // One coordinate is enough.
    let ended = search(sphere, &[3.0], 4, 0, 1e-12, 1000);
    assert!(ended.value <= 1e-12, "{:e} after {}", ended.value, ended.evaluations);
}

#[test]
fn the_covariance_learns_an_ellipsoid() {
    for seed in 0..3 {
        let ended = search(ellipsoid, &[3.0; 10], CmaEs::default_candidates(10), seed, 1e-12, 12_000);
        assert!(ended.value <= 1e-12, "seed {seed}: {:e} after {}", ended.value, ended.evaluations);
    }
}

#[test]
fn rosenbrock_s_valley_is_followed() {
    for seed in 0..3 {
        let ended = search(rosenbrock, &[0.0; 8], CmaEs::default_candidates(8), seed, 1e-12, 20_000);
        assert!(ended.value <= 1e-12, "seed {seed}: {:e} after {}", ended.value, ended.evaluations);
        assert!(ended.mean.iter().all(|x| (x - 1.0).abs() < 1e-3), "seed {seed}: {:?}", ended.mean);
    }
}

#[test]
fn many_candidates_see_through_rastrigin_s_waves() {
    for seed in 0..3 {
        let ended = search(rastrigin, &[3.0; 5], 300, seed, 1e-10, 90_000);
        assert!(ended.value <= 1e-10, "seed {seed}: {:e} after {}", ended.value, ended.evaluations);
    }
}

#[test]
fn the_same_seed_gives_the_same_bits() {
    let run = |seed| search(ellipsoid, &[1.0; 4], 12, seed, 0.0, 600).mean;
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}

#[test]
fn a_plain_is_noticed_and_nan_is_worse_than_everything() {
    let flat = search(|_| 5.0, &[0.0; 3], 8, 0, 0.0, 10_000);
    assert!(flat.evaluations < 1000, "{}", flat.evaluations);
    // Half of the space is forbidden.
    let ended = search(|x| if x[0] < 0.5 { f64::NAN } else { sphere(x) }, &[3.0, 3.0], 12, 0, 0.0, 3000);
    assert!((ended.value - 0.25).abs() < 1e-3, "{}", ended.value);
}
