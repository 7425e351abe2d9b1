//! Everything of one's own in one file, as a crate that depends on kanrl alone would have it: an environment (a room to
//! be heated), an expert (a thermostat), an approximator (a cubic for each observation), a library of functions and a stage.
//!
//! ```sh
//! cargo run --release --example downstream
//! ```

use kanrl::prelude::*;

/// A room that loses heat to the cold outside.
struct Room {
    spec: EnvironmentSpec,
    random: Generator,
    inside: f64,
    outside: f64,
}

fn spec() -> EnvironmentSpec {
    EnvironmentSpec::new("Room-v0")
        .observe("inside", "°C")
        .observe("outside", "°C")
        .act("heater", "kW", 0.0..=3.0)
        .steps(100)
}

impl Environment for Room {
    type Action = Continuous;

    fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        if let Some(seed) = seed {
            self.random = Generator::new(seed);
        }
        (self.inside, self.outside) = (self.random.uniform(10.0, 25.0), self.random.uniform(-10.0, 10.0));
        observation.copy_from_slice(&[self.inside, self.outside]);
        Ok(())
    }

    fn step(&mut self, heat: ContinuousAction, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        self.inside += 0.5 * heat.get(0).clamp(0.0, 3.0) - 0.05 * (self.inside - self.outside);
        observation.copy_from_slice(&[self.inside, self.outside]);
        Ok(StepOutcome { reward: -(self.inside - 21.0).abs(), ..StepOutcome::default() })
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(crate = "kanrl::serde", deny_unknown_fields)]
struct Thermostat {
    gain: f64,
}

#[typetag::serde(name = "thermostat")]
impl ExpertConfig for Thermostat {
    fn build(&self, room: &EnvironmentSpec) -> Result<Arc<dyn ExpertPolicy>, BuildError> {
        let gain = self.gain;
        Ok(Arc::new(FunctionExpert::new(room, "a thermostat", move |state, heat| {
            heat[0] = 0.1 * (21.0 - state[1]) + gain * (21.0 - state[0]);
        })))
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(crate = "kanrl::serde", deny_unknown_fields)]
struct CubicConfig {
    steps: usize,
}

#[typetag::serde(name = "cubic")]
impl ApproximatorConfig for CubicConfig {
    fn build(&self, inputs: usize, outputs: usize, _seed: u64) -> Result<Box<dyn FunctionApproximator>, BuildError> {
        let cubic = SplineEdge::polynomial(&[0.0, 0.0, 0.0, 0.0], -1.0..=1.0);
        Ok(Box::new(Cubic(UnivariateGraph::additive(inputs, outputs, |_, _| cubic.clone()), self.steps)))
    }

    fn load(&self, bytes: &[u8]) -> Result<Box<dyn FunctionApproximator>, BuildError> {
        let graph = UnivariateGraph::from_safetensors(bytes, &Library::default_ten());
        let graph = graph.map_err(|error| BuildError::new("approximator", error))?;
        Ok(Box::new(Cubic(graph, self.steps)))
    }
}

struct Cubic(UnivariateGraph, usize);

impl FunctionApproximator for Cubic {
    fn kind(&self) -> &'static str {
        "cubic"
    }

    fn inputs(&self) -> usize {
        self.0.inputs.len()
    }

    fn outputs(&self) -> usize {
        self.0.outputs.len()
    }

    fn fit(&mut self, task: FitTask<'_>, observer: &mut FitObserver<'_>) -> Result<FitReport, ApproximatorError> {
        self.0.scale_inputs(task.train.inputs);
        self.0.refit(task, self.1, observer)
    }

    fn predict(&self, inputs: &[f64], outputs: &mut [f64]) {
        self.0.evaluate(inputs, outputs);
    }

    fn graph(&self, samples: Samples<'_>) -> Option<UnivariateGraph> {
        let mut graph = self.0.clone();
        graph.set_importances(samples.inputs);
        Some(graph)
    }

    fn save(&self) -> Vec<u8> {
        self.0.to_safetensors()
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(crate = "kanrl::serde", deny_unknown_fields)]
struct Powers {}

#[typetag::serde(name = "powers")]
impl SymbolicLibraryConfig for Powers {
    fn build(&self) -> Result<Arc<dyn SymbolicLibrary>, BuildError> {
        let library = Library::new(&["x", "x^2"]).map_err(|error| BuildError::new("library", error))?;
        Ok(Arc::new(library))
    }
}

/// Takes the shortest formula instead of the most faithful one.
fn shortest(
    formulas: ExplainingFormulas,
    networks: Input<NamedNetworks>,
    mut made: Output<Selection>,
) -> Result<(), StageError> {
    let candidate = |(student, formula): (&str, &Formula)| Candidate::new(student, formula.clone());
    let candidates: Vec<Candidate> = formulas.iter().map(candidate).collect();
    let index = (0..candidates.len()).min_by_key(|index| candidates[*index].operations).unwrap_or(0);
    made.set(Selection::of(candidates, index, "the shortest", &networks));
    Ok(())
}

const CONFIG: &str = "
expert = { kind = 'thermostat', gain = 1.5 }
approximator = { kind = 'cubic', steps = 50 }
library.kind = 'powers'
polish.enabled = false
";

#[cfg_attr(test, test)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let room = |spec| Room { spec, random: Generator::new(0), inside: 0.0, outside: 0.0 };
    let select = Stage::new("select", "takes the shortest formula", shortest);
    let run = Run::from_text(CONFIG)?.environment(spec(), room)?.replace("select", select)?;
    let formula = examples::execute(run)?.formula.ok_or("no formula was chosen")?;
    assert!(formula.operations() < 6, "{formula}");
    Ok(())
}
