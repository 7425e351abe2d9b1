//! Generalized advantage estimation. Schulman et al. (2016), arXiv 1506.02438.

/// Advantages and returns of one rollout.
///
/// `rewards`, `values` and `ends` (the episode ended in this step, for either reason) are `[steps, lanes]`; `last_values`
/// `[lanes]` are the values of the observations after the last step. Writes `advantages` and `returns` (advantage plus
/// value), both `[steps, lanes]`. A truncated episode's value of its last observation must already be in its reward.
pub(super) fn generalized_advantages(
    rewards: &[f64],
    values: &[f32],
    ends: &[bool],
    last_values: &[f32],
    (gamma, lambda): (f64, f64),
    advantages: &mut [f32],
    returns: &mut [f32],
) {
    let lanes = last_values.len();
    for (lane, last_value) in last_values.iter().enumerate() {
        let (mut advantage, mut next_value) = (0.0, f64::from(*last_value));
        for index in (lane..rewards.len()).step_by(lanes).rev() {
            let value = f64::from(values[index]);
            let goes_on = if ends[index] { 0.0 } else { 1.0 };
            let error = rewards[index] + gamma * next_value * goes_on - value;
            advantage = error + gamma * lambda * goes_on * advantage;
            advantages[index] = advantage as f32;
            returns[index] = (advantage + value) as f32;
            next_value = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::generalized_advantages;

    /// Two lanes of three steps with γ = 1/2 and λ = 1/2; the second lane's episode ends in its second step.
    #[test]
    fn hand_computed_example() {
        let rewards = [1.0, 2.0, 0.0, 4.0, 2.0, 1.0];
        let values = [2.0, 4.0, 4.0, 2.0, 8.0, 4.0];
        let ends = [false, false, false, true, false, false];
        let (mut advantages, mut returns) = ([0.0; 6], [0.0; 6]);
        generalized_advantages(&rewards, &values, &ends, &[4.0, 2.0], (0.5, 0.5), &mut advantages, &mut returns);
        // Lane 0: errors 1 + 4/2 - 2 = 1, 0 + 8/2 - 4 = 0, 2 + 4/2 - 8 = -4; advantages 1 + (-1)/4, 0 + (-4)/4, -4.
        // Lane 1: errors 2 + 2/2 - 4 = -1, 4 - 2 = 2 (ended), 1 + 2/2 - 4 = -2; advantages -1 + 2/4, 2, -2.
        assert_eq!(advantages, [0.75, -0.5, -1.0, 2.0, -4.0, -2.0]);
        assert_eq!(returns, [2.75, 3.5, 3.0, 4.0, 4.0, 2.0]);
    }
}
