//! Against pykan's recorded fits, rankings and function values.

use kanrl_core::function::{Domain, SampledCurve, SymbolicLibrary};
use kanrl_reference_data::{files, number, numbers, read_json};
use kanrl_symbolic::library::Library;
use std::f64::consts::PI;

/// Whether pykan's fit stays in the function's domain all over the data's range; in any branch, for tan.
fn is_safe(domain: Domain, a: f64, b: f64, x: &[f64]) -> bool {
    let arguments = x.iter().map(|x| a * x + b);
    let (low, high) = (arguments.clone().fold(f64::INFINITY, f64::min), arguments.fold(f64::NEG_INFINITY, f64::max));
    let branch = if domain == Domain::BetweenPoles { PI * ((low + high) / (2.0 * PI)).round() } else { 0.0 };
    domain.contains(low - branch, high - branch)
}

#[test]
fn every_fit_is_at_least_as_good_as_pykans() {
    for file in files("kan", "json").iter().filter(|file| read_json(file).get("curves").is_some()) {
        let recorded = read_json(file);
        let library = Library::full().with_margin(0.0).expect("a good margin");
        let (mut worse, mut unsafe_fits) = (Vec::new(), 0);
        for curve in recorded["curves"].as_array().expect("a list") {
            let sampled = SampledCurve { x: numbers(&curve["x"]), y: numbers(&curve["y"]) };
            let candidates = library.candidates(&sampled);
            for (name, fit) in curve["fits"].as_object().expect("a table") {
                let theirs = number(&fit["r2"]);
                let domain = library.function(name).expect("all of pykan's").domain();
                if !is_safe(domain, number(&fit["a"]), number(&fit["b"]), &sampled.x) {
                    unsafe_fits += 1;
                    continue;
                }
                let ours =
                    candidates.iter().find(|candidate| candidate.function.name() == name).map_or(0.0, |c| c.r_squared);
                if ours < theirs - 1e-9 {
                    worse.push(format!("{} {name}: {ours} < {theirs} (a {} b {})", curve["name"], fit["a"], fit["b"]));
                }
            }
        }
        println!("{unsafe_fits} of pykan's fits have a pole or leave the domain within the data's range");
        assert!(worse.is_empty(), "{} worse:\n{}", worse.len(), worse.join("\n"));
    }
}

#[test]
fn functions_are_ranked_as_by_pykan_where_fits_are_apart() {
    for file in files("kan", "json").iter().filter(|file| read_json(file).get("curves").is_some()) {
        let recorded = read_json(file);
        let mut compared = 0;
        for curve in recorded["curves"].as_array().expect("a list") {
            let sampled = SampledCurve { x: numbers(&curve["x"]), y: numbers(&curve["y"]) };
            for (weight, ranking) in curve["ranking"].as_object().expect("a table") {
                let simplicity = weight.parse().expect("a weight");
                let library = Library::full().with_margin(0.0).and_then(|library| library.with_simplicity(simplicity));
                let candidates = library.expect("good numbers").candidates(&sampled);
                let find = |name: &serde_json::Value| {
                    candidates
                        .iter()
                        .position(|candidate| *name == candidate.function.name())
                        .expect("every function fits")
                };
                let ranking = ranking.as_array().expect("a list");
                for (index, better) in ranking.iter().enumerate() {
                    for worse in &ranking[index + 1..] {
                        let apart = number(&worse["total_loss"]) - number(&better["total_loss"]);
                        let (first, second) = (find(&better["name"]), find(&worse["name"]));
                        // A fit that is better than pykan's own may well come before, and one with a pole among the
                        // data is not made.
                        let improved = candidates[second].r_squared - number(&worse["r2"]);
                        let refused = number(&better["r2"]) - candidates[first].r_squared;
                        if apart > 0.05 && improved < 1e-7 && refused < 1e-7 {
                            compared += 1;
                            assert!(
                                first < second,
                                "{} at {weight}: {} before {}",
                                curve["name"],
                                better["name"],
                                worse["name"]
                            );
                        }
                    }
                }
            }
        }
        println!("{compared} pairs compared");
        assert!(compared > 0);
    }
}

#[test]
fn functions_have_pykans_values_and_complexities() {
    for file in files("kan", "json").iter().filter(|file| read_json(file).get("function_values").is_some()) {
        let recorded = read_json(file);
        let points = numbers(&recorded["points"]);
        let library = Library::full();
        for (name, values) in recorded["function_values"].as_object().expect("a table") {
            let function = library.function(name).unwrap_or_else(|| panic!("no `{name}`"));
            let text = function.expression().expect("every built-in function has one");
            let expression: kanrl_symbolic::Expression = text.parse().expect(text);
            for (x, expected) in points.iter().zip(numbers(&values["plain"])) {
                let written = expression.evaluate(&[("x", *x)]).expect("over x");
                for found in [function.value(*x), written] {
                    let equal = found == expected
                        || found.is_nan() && expected.is_nan()
                        || (found - expected).abs() <= 1e-14 * expected.abs();
                    assert!(equal, "{name}({x}) is {found}, not {expected}");
                }
            }
        }
        for entry in recorded["library"].as_array().expect("a list") {
            let function = library.function(entry["name"].as_str().expect("a name")).expect("all of pykan's");
            assert_eq!(function.complexity(), number(&entry["complexity"]), "{}", function.name());
        }
    }
}

#[test]
fn derivatives_match_differences() {
    for function in Library::full().functions() {
        for x in [0.21, 0.4, 0.77] {
            let step = 1e-5;
            let expected = (function.value(x + step) - function.value(x - step)) / (2.0 * step);
            let found = function.derivative(x);
            assert!(
                (found - expected).abs() <= 1e-5 * (1.0 + expected.abs()),
                "{}({x}): {found}, {expected}",
                function.name()
            );
        }
    }
}

#[test]
fn candidates_stay_in_their_domain_with_the_margin_or_are_guarded() {
    let x: Vec<f64> = (0..200).map(|index| 0.02 + f64::from(index) * 0.01).collect();
    let y: Vec<f64> = x.iter().map(|x| 2.0 * x.ln() + 0.5).collect();
    let curve = SampledCurve { x, y };
    // A hair inside the library's own ends, which round differently.
    let (low, high) = (0.02 - 0.1 * 1.99 + 1e-9, 2.01 + 0.1 * 1.99 - 1e-9);
    let kept = Library::full().candidates(&curve);
    for candidate in &kept {
        let ends = [candidate.a * low + candidate.b, candidate.a * high + candidate.b];
        let domain = candidate.function.domain();
        assert!(domain.contains(ends[0].min(ends[1]), ends[0].max(ends[1])), "{}", candidate.function.name());
    }
    let log = kept.iter().find(|candidate| candidate.function.name() == "log").expect("log can be moved");
    assert!(log.r_squared < 0.999);

    let guarded = Library::full().with_guards(true).candidates(&curve);
    let log = &guarded[0];
    assert_eq!(log.function.domain(), Domain::All);
    let again = Library::full().with_guards(true).function(log.function.name()).expect("known by what it says");
    assert_eq!((again.value(0.3), again.value(-5.0)), (log.function.value(0.3), log.function.value(-5.0)));
    assert!(Library::full().function(log.function.name()).is_none(), "without guards it is none of the library's");
    assert!(log.r_squared > 1.0 - 1e-9);
    assert!(
        log.function.expression().expect("written").starts_with("log(max(x, 0.0"),
        "{:?}",
        log.function.expression()
    );
    assert!(log.value(-5.0).is_finite() && log.function.derivative(-5.0) == 0.0);
}

#[test]
fn curves_without_information_give_no_nonsense() {
    let library = Library::full();
    let candidates = |x: &[f64], y: &[f64]| library.candidates(&SampledCurve { x: x.to_vec(), y: y.to_vec() });
    assert!(candidates(&[], &[]).is_empty());
    assert!(candidates(&[1.0], &[1.0]).is_empty());
    assert!(candidates(&[1.0, 1.0], &[1.0, 2.0]).is_empty());
    assert!(candidates(&[1.0, f64::NAN], &[1.0, 2.0]).is_empty());
    for candidate in candidates(&[0.0, 1.0, 2.0], &[3.0, 3.0, 3.0]) {
        assert!((candidate.value(0.5) - 3.0).abs() < 1e-12, "{candidate:?}");
    }
    for candidate in candidates(&[0.0, 1e-300, 1e300], &[-1e300, 1e300, 0.0]) {
        assert!(candidate.r_squared.is_finite(), "{candidate:?}");
    }
}
