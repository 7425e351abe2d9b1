//! A symbolic library of one's own, for formulas on a controller without a floating-point library: only functions that
//! cost a few instructions, and of those that fit a curve about as well as the best, the cheapest first.
//!
//! ```sh
//! cargo run --release --example custom_library
//! ```

use kanrl::prelude::*;

/// Name, expression and instructions.
const FUNCTIONS: [(&str, &str, f64); 6] = [
    ("x", "x", 1.0),
    ("x^2", "x^2", 2.0),
    ("abs", "abs(x)", 2.0),
    ("ramp", "max(x, 0)", 2.0),
    ("saturation", "clip(x, -1, 1)", 3.0),
    ("x^3", "x^3", 3.0),
];

/// `kind = "cheap"`
#[derive(Debug, Serialize, Deserialize)]
#[serde(crate = "kanrl::serde", default, deny_unknown_fields)]
struct CheapConfig {
    /// How much of r² a cheaper function may cost.
    slack: f64,
}

impl Default for CheapConfig {
    fn default() -> Self {
        Self { slack: 0.02 }
    }
}

#[typetag::serde(name = "cheap")]
impl SymbolicLibraryConfig for CheapConfig {
    fn build(&self) -> Result<Arc<dyn SymbolicLibrary>, BuildError> {
        let function = |(name, text, instructions): (&str, &str, f64)| {
            LibraryFunction::from_expression(name, &text.parse()?, Domain::All, instructions).map(Arc::new)
        };
        let functions = FUNCTIONS.into_iter().map(function).collect::<Result<_, _>>();
        let all = functions.and_then(Library::from_functions).map_err(|error| BuildError::new("library", error))?;
        Ok(Arc::new(Cheap { all, slack: self.slack }))
    }
}

#[derive(Debug)]
struct Cheap {
    /// Fits the functions.
    all: Library,
    slack: f64,
}

impl SymbolicLibrary for Cheap {
    fn functions(&self) -> &[Arc<dyn UnivariateFunction>] {
        self.all.functions()
    }

    fn candidates(&self, curve: &SampledCurve) -> Vec<FittedFunction> {
        let mut candidates = self.all.candidates(curve);
        let best = candidates.iter().map(|candidate| candidate.r_squared).fold(f64::NEG_INFINITY, f64::max);
        let cost = |candidate: &FittedFunction| match candidate.r_squared >= best - self.slack {
            true => candidate.function.complexity(),
            false => f64::INFINITY,
        };
        // Stable: equally cheap ones keep their order, best first.
        candidates.sort_by(|one, other| cost(one).total_cmp(&cost(other)));
        candidates
    }
}

const CONFIG: &str = "
environment.id = 'MountainCarContinuous-v0'
library = { kind = 'cheap', slack = 0.01 }
collect = { train_episodes = 3, validation_episodes = 1 }
students = { widths = [[]], rivals = false }
approximator.steps = 30
dagger = { rounds = 1, steps = 100, validation_episodes = 4 }
polish.enabled = false
evaluate = { episodes = 20, robustness_episodes = 0 }
record.videos = false
";

#[cfg_attr(test, test)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let formula = examples::execute(Run::from_text(CONFIG)?)?.formula.expect("a formula was chosen").to_string();
    assert!(!["sin", "exp", "log", "tanh"].iter().any(|name| formula.contains(name)), "that is not cheap");
    Ok(())
}
