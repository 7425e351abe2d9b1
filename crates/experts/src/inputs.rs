//! From an observation to a network's inputs.

/// A few of an observation's numbers, and the network inputs that they become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputPart {
    /// So many numbers as they are.
    Numbers(usize),
    /// One number, `start` to `start + count - 1`, as `count` inputs of which one is 1 and the others are 0.
    OneHot {
        /// How many values it has.
        count: usize,
        /// The first of them.
        start: i64,
    },
}

impl InputPart {
    /// How many of the observation's numbers it takes.
    pub fn numbers(&self) -> usize {
        match self {
            Self::Numbers(count) => *count,
            Self::OneHot { .. } => 1,
        }
    }

    /// How many inputs it gives.
    pub fn inputs(&self) -> usize {
        match self {
            Self::Numbers(count) | Self::OneHot { count, .. } => *count,
        }
    }
}

/// Writes an observation as a network's inputs.
///
/// # Errors
/// A sentence where a number is none of the values that its [`InputPart::OneHot`] has.
pub(crate) fn encode(parts: &[InputPart], observation: &[f64], inputs: &mut [f32]) -> Result<(), String> {
    let (mut observation, mut inputs) = (observation, inputs);
    for part in parts {
        let (own, rest) = observation.split_at(part.numbers());
        let (own_inputs, rest_of_inputs) = inputs.split_at_mut(part.inputs());
        match part {
            InputPart::Numbers(_) => {
                own_inputs.iter_mut().zip(own).for_each(|(input, value)| *input = *value as f32);
            }
            InputPart::OneHot { count, start } => {
                let index = own[0] - *start as f64;
                if !(index >= 0.0 && index.fract() == 0.0 && index < *count as f64) {
                    let last = start + *count as i64 - 1;
                    return Err(format!("it takes integers from {start} to {last}, not {}", own[0]));
                }
                own_inputs.fill(0.0);
                own_inputs[index as usize] = 1.0;
            }
        }
        (observation, inputs) = (rest, rest_of_inputs);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{InputPart, encode};

    #[test]
    fn numbers_and_choices() {
        let parts = [InputPart::OneHot { count: 3, start: -1 }, InputPart::Numbers(2)];
        let mut inputs = [9.0; 5];
        assert_eq!(encode(&parts, &[1.0, 0.5, 2.0], &mut inputs), Ok(()));
        assert_eq!(inputs, [0.0, 0.0, 1.0, 0.5, 2.0]);
        for outside in [2.0, -2.0, 0.5] {
            let error = encode(&parts, &[outside, 0.5, 2.0], &mut inputs);
            assert_eq!(error, Err(format!("it takes integers from -1 to 1, not {outside}")));
        }
        assert!(encode(&parts, &[f64::NAN, 0.5, 2.0], &mut inputs).is_err());
    }
}
