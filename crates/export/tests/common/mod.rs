//! What the tests share.

#![allow(dead_code, reason = "every test file uses a part of it")]

use kanrl_export::Contract;
use kanrl_symbolic::{ActionRule, Formula};
use std::process::Command;

/// Formulas that have something of everything, with ranges of x, y and z.
pub fn contracts() -> Vec<Contract> {
    let ranges = [("x".to_owned(), -0.4, 0.4), ("y".to_owned(), 0.5, 3.0), ("z".to_owned(), -2.0, 7.0)];
    let clip = || ActionRule::Clip { low: vec![-1.0, f64::NEG_INFINITY], high: vec![1.0, 2.0] };
    let curve = "curve(z; -1, 1, 3; 0.5; 0.5, 1, -0.2; 1.7, 0.2, 0, 0.05; 2.5, 0.8)";
    let all = [
        (vec!["3*x + z - y/3"], ActionRule::Threshold),
        (vec!["x*y*z + z^3/40", "sin(3*x + z) + tanh(x)*cos(z)", "exp(-y) + sqrt(y) + log(y)"], ActionRule::Argmax),
        (vec!["arctan(z) + arcsin(x)*y^1.5", "gaussian(z - 1) + min(x, z) + clip(z, -1, 2)"], clip()),
        (vec!["gate(z - 1, x, y) + sign(x)*0.5 + step(z)", "x/y + 2^x + abs(z)"], clip()),
        (vec![curve, "tan(x) + arccos(x) - arctanh(x)"], clip()),
        (vec!["max(x, y, z, 0.25)*0.5", "7"], clip()),
    ];
    let contract = |(texts, action): (Vec<&str>, ActionRule)| {
        let outputs: Vec<(&str, &str)> = ["a", "b", "c"].into_iter().zip(texts).collect();
        let formula = Formula::parse(&["x", "y", "z"], &outputs, action);
        let mut contract = Contract::new("a test's", &formula.unwrap_or_else(|error| panic!("{outputs:?}: {error}")));
        contract.take_ranges(&ranges).expect("its own inputs");
        contract
    };
    all.into_iter().map(contract).collect()
}

/// Contracts of the headline formulas in the repository, by the names of their files.
pub fn headlines() -> Vec<(String, Contract)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/formulas");
    let paths = std::fs::read_dir(folder).expect("formulas").map(|entry| entry.expect("a file").path());
    let mut contracts: Vec<(String, Contract)> = paths
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.strip_suffix(kanrl_export::SUFFIX)?.to_owned();
            let text = std::fs::read_to_string(&path).expect("a readable file");
            Some((name, Contract::from_json(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))))
        })
        .collect();
    contracts.sort_by(|left, right| left.0.cmp(&right.0));
    assert!(contracts.len() >= 5, "{} contracts", contracts.len());
    contracts
}

/// Runs a program and gives its standard output.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed:\n{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Whether a program starts; where it does not, that is said, and is an error where `required` is set in the environment.
pub fn has(program: &str, check: &str, required: &str) -> bool {
    let starts = Command::new(program).arg(check).output().is_ok_and(|output| output.status.success());
    if !starts {
        println!("skipped: no {program}");
        assert!(std::env::var_os(required).is_none(), "{required} is set, and there is no {program}");
    }
    starts
}
