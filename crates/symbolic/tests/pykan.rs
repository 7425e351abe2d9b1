//! Against pykan's recorded fits, rankings and function values.

use kan_core::function::{Domain, SampledCurve, SymbolicLibrary};
use reference_data::{files, number, numbers, read_json};
use std::f64::consts::PI;
use symbolic::library::Library;

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
