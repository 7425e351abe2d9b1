//! A check at run time: whether an observation lies in the box for which something was proved, and what is done where it
//! does not.

use super::{Format, export};
use crate::expression::SymbolicError;
use crate::formula::Formula;
use kanrl_core::action::ActionRule;
use std::cmp::Ordering;

/// The box for which a formula was proved, and the action for observations outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Monitor {
    /// Lower bound of each input.
    pub low: Vec<f64>,
    /// Upper bound of each input.
    pub high: Vec<f64>,
    /// The action outside of the box: the number of a discrete one, or a number for each output.
    pub fallback: Vec<f64>,
}

/// The formula as code, followed by a check of the box: whether an observation is inside (NaN never is), and an action that
/// is the formula's inside and the fallback outside, with a flag that says which.
///
/// ```
/// use kanrl_symbolic::{ActionRule, Format, Formula, Monitor, export_with_monitor};
/// let formula = Formula::parse(&["theta"], &[("a", "3*theta")], ActionRule::Threshold)?;
/// let monitor = Monitor { low: vec![-0.4], high: vec![0.4], fallback: vec![0.0] };
/// let code = export_with_monitor(&formula, Format::C, &monitor)?;
/// assert!(code.contains("int policy_monitored_action(const double observation[POLICY_INPUTS], int *outside)"));
/// # Ok::<(), kanrl_symbolic::SymbolicError>(())
/// ```
///
/// # Errors
/// [`SymbolicError::Invalid`] for a format other than C, Rust and NumPy, or a monitor that does not fit the formula.
pub fn export_with_monitor(formula: &Formula, format: Format, monitor: &Monitor) -> Result<String, SymbolicError> {
    let invalid = |message: String| Err(SymbolicError::Invalid(message));
    let inputs = formula.inputs().len();
    if monitor.low.len() != inputs || monitor.high.len() != inputs {
        return invalid(format!("the monitor has bounds for {} inputs, the formula has {inputs}", monitor.low.len()));
    }
    if let Some(index) =
        (0..inputs).find(|index| monitor.low[*index].partial_cmp(&monitor.high[*index]) != Some(Ordering::Less))
    {
        let (low, high) = (monitor.low[index], monitor.high[index]);
        return invalid(format!("the bounds {low} and {high} of `{}` are not in order", formula.inputs()[index]));
    }
    let discrete = !matches!(formula.action(), ActionRule::Clip { .. });
    let (expected, fits) = if discrete {
        let actions = formula.outputs().len() + usize::from(*formula.action() == ActionRule::Threshold);
        let is_action = |value: &f64| *value >= 0.0 && *value < actions as f64 && *value == value.trunc();
        (
            format!("the number of an action below {actions}"),
            monitor.fallback.len() == 1 && is_action(&monitor.fallback[0]),
        )
    } else {
        let outputs = formula.outputs().len();
        let finite = monitor.fallback.iter().all(|value| value.is_finite());
        (format!("{outputs} finite numbers"), monitor.fallback.len() == outputs && finite)
    };
    if !fits {
        return invalid(format!("the fallback is {:?}, not {expected}", monitor.fallback));
    }
    let text = match format {
        Format::C => c(monitor, discrete),
        Format::Rust => rust(monitor, discrete),
        Format::NumPy => numpy(monitor, discrete),
        other => return invalid(format!("a monitor is code: export to c, rust or numpy, not {}", other.name())),
    };
    Ok(format!("{}\n{text}", export(formula, format)?.trim_end()))
}

fn list(values: &[f64]) -> String {
    values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(", ")
}

const NOTE: &str = "The box of observations for which the formula was proved.";

fn c(monitor: &Monitor, discrete: bool) -> String {
    // An input more than there are would not be an array.
    let or_zero = |values: &[f64]| if values.is_empty() { "0.0".to_owned() } else { list(values) };
    let (low, high) = (or_zero(&monitor.low), or_zero(&monitor.high));
    let count = monitor.low.len();
    let inside = format!(
        "\n/* {NOTE} */\nstatic const double policy_low[POLICY_INPUTS] = {{{low}}};\n\
         static const double policy_high[POLICY_INPUTS] = {{{high}}};\n\n\
         /* 1 where the observation lies in the box, else 0. */\n\
         int policy_inside(const double observation[POLICY_INPUTS]) {{\n    \
         for (int index = 0; index < {count}; index++) {{\n        \
         if (!(observation[index] >= policy_low[index] && observation[index] <= policy_high[index])) return 0;\n    }}\n    \
         return 1;\n}}\n\n"
    );
    let about = "/* The policy's action inside of the box, the fallback outside; `outside` says which. */\n";
    if discrete {
        let fallback = monitor.fallback[0] as i64;
        return format!(
            "{inside}{about}int policy_monitored_action(const double observation[POLICY_INPUTS], int *outside) {{\n    \
             *outside = !policy_inside(observation);\n    \
             return *outside ? {fallback} : policy_action(observation);\n}}\n"
        );
    }
    let assignments: String = monitor
        .fallback
        .iter()
        .enumerate()
        .map(|(index, value)| format!("        action[{index}] = (float){value:?};\n"))
        .collect();
    format!(
        "{inside}{about}void policy_monitored_action(const double observation[POLICY_INPUTS], float action[POLICY_OUTPUTS], \
         int *outside) {{\n    *outside = !policy_inside(observation);\n    if (*outside) {{\n{assignments}    }} else {{\n        \
         policy_action(observation, action);\n    }}\n}}\n"
    )
}

fn rust(monitor: &Monitor, discrete: bool) -> String {
    let (low, high) = (list(&monitor.low), list(&monitor.high));
    let (kind, fallback) = if discrete {
        ("usize", format!("{}", monitor.fallback[0] as u64))
    } else {
        let numbers: Vec<String> = monitor.fallback.iter().map(|value| format!("{:?}", *value as f32)).collect();
        ("[f32; OUTPUTS]", format!("[{}]", numbers.join(", ")))
    };
    format!(
        "\n/// {NOTE}\npub const LOW: [f64; INPUTS] = [{low}];\n/// Its upper bounds.\npub const HIGH: [f64; INPUTS] = [{high}];\n\n\
         /// Whether the observation lies in the box.\npub fn inside(observation: &[f64; INPUTS]) -> bool {{\n    \
         (0..INPUTS).all(|index| observation[index] >= LOW[index] && observation[index] <= HIGH[index])\n}}\n\n\
         /// The policy's action inside of the box, the fallback outside; and whether it was outside.\n\
         pub fn monitored_action(observation: &[f64; INPUTS]) -> ({kind}, bool) {{\n    \
         if inside(observation) {{ (action(observation), false) }} else {{ ({fallback}, true) }}\n}}\n"
    )
}

fn numpy(monitor: &Monitor, discrete: bool) -> String {
    let (low, high) = (list(&monitor.low), list(&monitor.high));
    let (fallback, chosen) = if discrete {
        (format!("{}", monitor.fallback[0] as i64), "np.where(outside, FALLBACK, chosen)")
    } else {
        let fallback = format!("np.array([{}], dtype=np.float32)", list(&monitor.fallback));
        (fallback, "np.where(outside[..., np.newaxis], FALLBACK, chosen)")
    };
    format!(
        "\n\n# {NOTE}\nLOW = np.array([{low}])\nHIGH = np.array([{high}])\nFALLBACK = {fallback}\n\n\n\
         def inside(observation):\n    \"\"\"Whether each observation lies in the box.\"\"\"\n    \
         observation = np.asarray(observation, dtype=np.float64)\n    \
         return np.all((observation >= LOW) & (observation <= HIGH), axis=-1)\n\n\n\
         def monitored_action(observation):\n    \
         \"\"\"The policy's action inside of the box, the fallback outside; and whether each observation was outside.\"\"\"\n    \
         outside = ~inside(observation)\n    chosen = action(observation)\n    return {chosen}, outside\n"
    )
}
