//! The rows of a log, while it is found out which of them can be used.

use kanrl_core::dataset::Dataset;

/// Rows that belong together.
pub(super) struct Rows {
    pub(super) input_names: Vec<String>,
    /// Where each output comes from, for messages.
    pub(super) output_names: Vec<String>,
    /// `[rows, inputs]`, NaN where a number is missing; at first perhaps with one row more for each episode.
    pub(super) observations: Vec<f64>,
    /// `[rows, outputs]`, NaN where a number is missing.
    pub(super) targets: Vec<f64>,
    /// `[rows]`.
    pub(super) weights: Vec<f64>,
    /// First row of each episode.
    pub(super) starts: Vec<usize>,
}

impl Rows {
    fn rows(&self) -> usize {
        self.weights.len()
    }

    /// Takes away what was seen after each episode's last action, where there is one observation more than actions.
    ///
    /// # Errors
    /// A sentence without a subject, where there are not as many observations as actions.
    pub(super) fn drop_final_observations(&mut self) -> Result<Option<String>, String> {
        let inputs = self.input_names.len();
        let (seen, rows) = (self.observations.len() / inputs, self.rows());
        if seen == rows {
            return Ok(None);
        }
        if seen != rows + self.starts.len() || self.starts.iter().any(|start| *start >= rows) {
            return Err(format!("has {seen} rows of observations and {rows} of actions; expected as many"));
        }
        let mut kept = Vec::with_capacity(rows * inputs);
        for (index, start) in self.starts.iter().enumerate() {
            let end = self.starts.get(index + 1).copied().unwrap_or(rows);
            kept.extend_from_slice(&self.observations[(start + index) * inputs..(end + index) * inputs]);
        }
        self.observations = kept;
        Ok(Some("each episode's last observation is skipped, because no action follows it".to_owned()))
    }

    /// Leaves out rows in which a number is missing; `place` says where a row stands.
    ///
    /// # Errors
    /// A sentence without a subject, where that would be most of them.
    pub(super) fn drop_missing(&mut self, place: impl Fn(usize) -> String) -> Result<Option<String>, String> {
        let (inputs, outputs, rows) = (self.input_names.len(), self.output_names.len(), self.rows());
        let names: Vec<&String> = self.input_names.iter().chain(&self.output_names).collect();
        let mut counts = vec![0_usize; names.len()];
        let mut kept = vec![true; rows];
        for (row, kept) in kept.iter_mut().enumerate() {
            let seen = &self.observations[row * inputs..(row + 1) * inputs];
            let done = &self.targets[row * outputs..(row + 1) * outputs];
            for (count, value) in counts.iter_mut().zip(seen.iter().chain(done)) {
                if !value.is_finite() {
                    *count += 1;
                    *kept = false;
                }
            }
            *kept &= self.weights[row].is_finite();
        }
        let Some(first) = kept.iter().position(|kept| !kept) else { return Ok(None) };
        let dropped = kept.iter().filter(|kept| !**kept).count();
        // A discrete action has an output for each choice, all of the same column.
        let mut incomplete: Vec<String> = Vec::new();
        for (name, count) in names.iter().zip(&counts).filter(|(_, count)| **count > 0) {
            let text = format!("`{name}` ({count})");
            if !incomplete.contains(&text) {
                incomplete.push(text);
            }
        }
        let shown = if incomplete.is_empty() { "the weight".to_owned() } else { incomplete.join(", ") };
        if dropped * 2 > rows {
            let reason = "remove or fill the columns that are mostly empty";
            return Err(format!("has no finite number in {dropped} of {rows} rows, in {shown}; {reason}"));
        }
        let note = format!(
            "{dropped} of {rows} rows are skipped, because they lack a finite number in {shown}; the first: {}",
            place(first)
        );
        self.keep(&kept);
        Ok(Some(note))
    }

    fn keep(&mut self, kept: &[bool]) {
        let of_kept = |values: &[f64], width: usize| -> Vec<f64> {
            values.chunks_exact(width).zip(kept).filter(|(_, kept)| **kept).flat_map(|(row, _)| row).copied().collect()
        };
        self.observations = of_kept(&self.observations, self.input_names.len());
        self.targets = of_kept(&self.targets, self.output_names.len());
        self.weights = of_kept(&self.weights, 1);
        let mut before = vec![0; kept.len()];
        for row in 1..kept.len() {
            before[row] = before[row - 1] + usize::from(kept[row - 1]);
        }
        self.starts.iter_mut().for_each(|start| *start = before[*start]);
        self.starts.dedup();
        if self.starts.last() == Some(&self.weights.len()) {
            self.starts.pop();
        }
    }

    pub(super) fn push_into(&self, dataset: &mut Dataset) {
        let (inputs, outputs) = (self.input_names.len(), self.output_names.len());
        for (index, start) in self.starts.iter().enumerate() {
            let end = self.starts.get(index + 1).copied().unwrap_or_else(|| self.rows());
            dataset.push_episode(
                &self.observations[start * inputs..end * inputs],
                &self.targets[start * outputs..end * outputs],
                &self.weights[*start..end],
            );
        }
    }
}
