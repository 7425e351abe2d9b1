//! Which networks learn from the expert in a run, side by side.

pub(crate) mod section;

pub use section::StudentsSection;

use crate::config::RunConfig;
use kanrl_core::config::{ApproximatorConfig, BuildError};
use kanrl_core::function::{FittedFunction, SampledCurve, SymbolicLibrary, UnivariateFunction};
use kanrl_core::suggest;
use serde_json::json;
use std::sync::Arc;

/// One of the networks that learn in a run.
#[derive(Debug)]
pub struct NetworkStudent {
    /// Its name in the run.
    pub name: String,
    /// What it is built from.
    pub approximator: Box<dyn ApproximatorConfig>,
    /// Names of the functions that its edges may become; all of the library's where there is none.
    pub functions: Option<Vec<String>>,
}

/// The names that a run's networks have (`kan` without hidden layers, `kan-2`, `kan-3-3`, `kan-2-lambda-0.01`,
/// `kan-2-functions-1`), with what each is built from: the config's approximator in each of the hidden widths with each
/// sparsity strength, as far as its kind has them, for each part of the library.
///
/// # Errors
/// [`BuildError`] where the approximator does not take such widths.
pub fn networks(config: &RunConfig) -> Result<Vec<NetworkStudent>, BuildError> {
    of_widths(config, &config.students.widths)
}

/// The wider networks that learn where none of [`networks`] is good enough, in this order.
///
/// # Errors
/// As [`networks`].
pub fn wider_networks(config: &RunConfig) -> Result<Vec<NetworkStudent>, BuildError> {
    if config.students.wider.is_empty() {
        return Ok(Vec::new());
    }
    let first = networks(config)?;
    let mut wider = of_widths(config, &config.students.wider)?;
    wider.retain(|student| first.iter().all(|other| other.name != student.name));
    Ok(wider)
}

fn of_widths(config: &RunConfig, widths: &[Vec<usize>]) -> Result<Vec<NetworkStudent>, BuildError> {
    let error = |source: serde_json::Error| BuildError {
        component: "approximator",
        reason: "the hidden widths do not fit it".into(),
        source: Some(Box::new(source)),
    };
    let whole = serde_json::to_value(&config.approximator).map_err(error)?;
    let kind = config.approximator.typetag_name();
    let has = |key: &str| whole.get(key).is_some_and(|value| !value.is_null());
    let own_widths = [None];
    let widths: Vec<Option<&Vec<usize>>> = match widths {
        widths if has("hidden") && !widths.is_empty() => widths.iter().map(Some).collect(),
        _ => own_widths.to_vec(),
    };
    let lambdas: Vec<Option<f64>> = match &config.students.lambdas {
        lambdas if has("lambda") && !lambdas.is_empty() => lambdas.iter().copied().map(Some).collect(),
        _ => vec![None],
    };
    let parts: Vec<Option<usize>> = match config.students.functions.len() {
        0 => vec![None],
        count => (0..count).map(Some).collect(),
    };
    let mut networks = Vec::new();
    for widths in widths {
        for lambda in &lambdas {
            let (mut value, mut name) = (whole.clone(), kind.to_owned());
            if let Some(widths) = widths {
                value["hidden"] = json!(widths);
                widths.iter().for_each(|width| name += &format!("-{width}"));
            }
            if let Some(lambda) = lambda {
                value["lambda"] = json!(lambda);
                if lambdas.len() > 1 {
                    name += &format!("-lambda-{lambda}");
                }
            }
            for part in &parts {
                let approximator = serde_json::from_value(value.clone()).map_err(error)?;
                let (name, functions) = match part {
                    Some(part) => {
                        (format!("{name}-functions-{}", part + 1), Some(config.students.functions[*part].clone()))
                    }
                    None => (name.clone(), None),
                };
                networks.push(NetworkStudent { name, approximator, functions });
            }
        }
    }
    Ok(networks)
}

/// A part of a library.
#[derive(Debug)]
pub struct LibraryPart<'a> {
    library: &'a dyn SymbolicLibrary,
    functions: Vec<Arc<dyn UnivariateFunction>>,
}

impl<'a> LibraryPart<'a> {
    /// The functions of these names, in the library's order; all of them where no names are given.
    ///
    /// # Errors
    /// [`BuildError`] for a name that is not the library's, or none at all.
    pub fn new(library: &'a dyn SymbolicLibrary, names: Option<&[String]>) -> Result<Self, BuildError> {
        let Some(names) = names else { return Ok(Self { library, functions: library.functions().to_vec() }) };
        let error = |reason: String| BuildError { component: "students.functions", reason, source: None };
        let known: Vec<&str> = library.functions().iter().map(|function| function.name()).collect();
        if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
            let nearest = suggest::nearest(unknown, &known).map(str::to_owned);
            let help = suggest::did_you_mean(&nearest);
            return Err(error(format!("the library has no `{unknown}`{help}; it has {}", known.join(", "))));
        }
        if names.is_empty() {
            return Err(error("a part without any function".to_owned()));
        }
        let functions = library.functions().iter().filter(|function| names.iter().any(|name| name == function.name()));
        Ok(Self { library, functions: functions.cloned().collect() })
    }
}

impl SymbolicLibrary for LibraryPart<'_> {
    fn functions(&self) -> &[Arc<dyn UnivariateFunction>] {
        &self.functions
    }

    fn candidates(&self, curve: &SampledCurve) -> Vec<FittedFunction> {
        let mut candidates = self.library.candidates(curve);
        candidates.retain(|candidate| self.function(candidate.function.name()).is_some());
        candidates
    }
}

/// What is added to the best formula's name, with a number from 1 on, for shorter ones that are made from it.
pub const SHORT: &str = "-short-";

/// The network that a formula is made from, by the formula's name.
pub fn network_of(name: &str) -> &str {
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    name.rsplit_once(SHORT).filter(|(_, number)| is_number(number)).map_or(name, |(whole, _)| whole)
}

/// The name of the linear rival.
pub const LINEAR: &str = "linear";
/// The name of the sparse quadratic rival.
pub const QUADRATIC: &str = "quadratic";

#[cfg(test)]
mod tests {
    use super::{LibraryPart, NetworkStudent, networks, wider_networks};
    use crate::config::{MergedConfig, RawConfig};
    use kanrl_core::config::SymbolicLibraryConfig;
    use kanrl_core::function::{SampledCurve, SymbolicLibrary};
    use kanrl_symbolic::library::DefaultLibraryConfig;

    #[test]
    fn widths_that_are_set_are_the_only_ones() {
        let config = |text: &str| MergedConfig::new(RawConfig::from_toml("run.toml", text).unwrap()).resolve().unwrap();
        let names_of =
            |networks: Vec<NetworkStudent>| networks.into_iter().map(|network| network.name).collect::<Vec<_>>();
        let names = |text: &str| names_of(networks(&config(text)).unwrap());
        let wider = |text: &str| names_of(wider_networks(&config(text)).unwrap());
        let none: [&str; 0] = [];
        assert_eq!(names(""), ["kan", "kan-2"]);
        assert_eq!(wider(""), ["kan-4", "kan-8"]);
        assert_eq!(wider("approximator.hidden = [3]"), none);
        assert_eq!(wider("students.widths = [[3]]"), none);
        assert_eq!(wider("approximator.kind = 'mlp'"), none);
        assert_eq!(wider("students.widths = [[3]]\nstudents.wider = [[3], [5]]"), ["kan-5"]);
        assert_eq!(names("approximator.hidden = [3, 3]"), ["kan-3-3"]);
        assert_eq!(names("approximator.hidden = []"), ["kan"]);
        assert_eq!(names("approximator.kind = 'linear'"), ["linear"]);
        assert_eq!(names("approximator.kind = 'mlp'"), ["mlp"]);
        assert_eq!(
            names("students.widths = [[2]]\nstudents.lambdas = [0, 0.01]"),
            ["kan-2-lambda-0", "kan-2-lambda-0.01"]
        );
        assert_eq!(names("approximator.lambda = 0.1"), ["kan", "kan-2"]);
        assert_eq!(
            names("students.widths = [[]]\nstudents.functions = [['x'], ['x', 'sin']]"),
            ["kan-functions-1", "kan-functions-2"]
        );
    }

    #[test]
    fn a_width_that_would_be_ignored_is_refused_and_a_printed_config_has_one_place_for_it() {
        let resolve = |text: &str| MergedConfig::new(RawConfig::from_toml("run.toml", text).unwrap()).resolve();
        let error = resolve("approximator.hidden = [3]\nstudents.widths = [[4], []]").unwrap_err();
        assert_eq!(error.key, "approximator.hidden");
        assert!(error.message.contains("`students.widths`"), "{}", error.message);
        assert_eq!(
            resolve("approximator.lambda = 0.1\nstudents.lambdas = [0.0]").unwrap_err().key,
            "approximator.lambda"
        );
        let printed = resolve("approximator = { hidden = [3], steps = 7 }").unwrap().to_toml();
        assert!(printed.contains("steps = 7") && !printed.contains("hidden"), "{printed}");
        let again = resolve(&printed).unwrap();
        assert_eq!((again.to_toml(), again.students.widths), (printed, vec![vec![3]]));
    }

    #[test]
    fn a_part_of_a_library_has_its_functions_only() {
        let library = DefaultLibraryConfig::default().build().unwrap();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let part = LibraryPart::new(library.as_ref(), Some(&names(&["sin", "x"]))).unwrap();
        assert_eq!(part.functions().iter().map(|function| function.name()).collect::<Vec<_>>(), ["x", "sin"]);
        let x: Vec<f64> = (0..50).map(|i| f64::from(i) / 10.0).collect();
        let y: Vec<f64> = x.iter().map(|x| x * x).collect();
        let curve = SampledCurve { x, y };
        let names_of = |library: &dyn SymbolicLibrary| {
            let candidates = library.candidates(&curve);
            candidates.iter().map(|candidate| candidate.function.name().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names_of(library.as_ref())[0], "x^2");
        assert_eq!(names_of(&part), ["sin", "x"]);
        assert_eq!(LibraryPart::new(library.as_ref(), None).unwrap().functions().len(), library.functions().len());
        let unknown = LibraryPart::new(library.as_ref(), Some(&names(&["x", "sinn"]))).unwrap_err().to_string();
        assert!(unknown.contains("did you mean `sin`"), "{unknown}");
        assert!(LibraryPart::new(library.as_ref(), Some(&[])).is_err());
    }
}
