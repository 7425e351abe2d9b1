//! Vectors on the device.

use crate::error::GpuError;
use crate::gpu::{Dispatch, Gpu, groups};
use bytemuck::{Pod, Zeroable};
use kanrl_core::optimize::{AdamStep, MAX_HISTORY, Pair, Vector};
use std::collections::VecDeque;
use std::sync::Arc;
use wgpu::Buffer;

/// Numbers in f32 that stay on the device; operations on a device that has failed do nothing and give NaN.
pub struct DeviceVector {
    gpu: Arc<Gpu>,
    pub(crate) buffer: Buffer,
    count: usize,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Operation {
    count: u32,
    a: u32,
    b: u32,
    keep: f32,
    factor: f32,
    plus: f32,
    minus: f32,
    padding: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Reduction {
    count: u32,
    kind: u32,
    place: u32,
    finish: u32,
    factor: f32,
    zero: u32,
    padding: [u32; 2],
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Step {
    count: u32,
    rate: f32,
    keep_mean: f32,
    keep_square: f32,
    mean_correction: f32,
    square_correction: f32,
    smallest: f32,
    padding: u32,
}

/// What a reduction computes, by its number in the shader.
#[derive(Clone, Copy)]
enum Kind {
    Dot = 0,
    NormOne = 1,
    NormMax = 2,
    NotFinite = 3,
    Sum = 4,
    NotSum = 5,
}

/// What is done to a reduction's result, by its number in the shader.
#[derive(Clone, Copy)]
enum Finish {
    Times = 0,
    Reciprocal = 1,
}

const READ: &str = "var<storage, read>";

/// One binding of f32s.
fn binding(index: usize, name: &str) -> String {
    format!("@group(0) @binding({index}) {READ} {name}: array<f32>;\n")
}

/// A factor that is a number, or made of numbers that reductions left on the device.
#[derive(Clone, Copy, Default)]
struct Factor {
    number: f64,
    plus: Option<usize>,
    minus: Option<usize>,
}

impl Factor {
    fn number(number: f64) -> Self {
        Self { number, ..Self::default() }
    }
}

/// A sum of a buffer's first `count` numbers, in two rounds; for [`Gpu::reduce`].
pub(crate) fn sum(gpu: &Gpu, buffer: &Buffer, count: usize) -> Result<Vec<Dispatch>, GpuError> {
    reduction(gpu, Kind::Sum, [buffer; 3], count, 1.0, (0, Finish::Times, 1.0))
}

/// Both rounds; `inner` is the factor of [`Kind::NotSum`], the last one is what is done to the result and where it goes.
fn reduction(
    gpu: &Gpu,
    kind: Kind,
    buffers: [&Buffer; 3],
    count: usize,
    inner: f64,
    (place, finish, factor): (usize, Finish, f64),
) -> Result<Vec<Dispatch>, GpuError> {
    const TEXT: &str = include_str!("shaders/reduce.wgsl");
    let (used, entry) = match kind {
        Kind::Dot => (2, "vec2<f32>(a[index] * b[index], 0.0)"),
        Kind::NormOne | Kind::NormMax => (1, "vec2<f32>(abs(a[index]), 0.0)"),
        Kind::NotFinite => {
            (1, "vec2<f32>(select(0.0, 1.0, (bitcast<u32>(a[index]) & 0x7f800000u) == 0x7f800000u), 0.0)")
        }
        Kind::Sum => (1, "vec2<f32>(a[index], 0.0)"),
        Kind::NotSum => (3, "vec2<f32>(select(1.0, 0.0, a[index] == b[index] + reduction.factor * c[index]), 0.0)"),
    };
    let result = "var<storage, read_write> result: array<vec2<f32>>;";
    let names = ["a", "b", "c"];
    let mut bindings: String = (0..used).map(|index| binding(index + 1, names[index])).collect();
    bindings += &format!("@group(0) @binding({}) {result}\n", used + 1);
    let body = format!(
        "fn entry(index: u32) -> vec2<f32> {{ return {entry}; }}\n\
         fn finish(group: u32, total: vec2<f32>) {{ result[group] = total; }}\n"
    );
    let text = TEXT.replace("BINDINGS", &bindings).replace("BODY", &body);
    let first = gpu.pipeline("reduction, first round", text)?;
    let bindings = format!("@group(0) @binding(1) {READ} a: array<vec2<f32>>;\n@group(0) @binding(2) {result}\n");
    let body = "fn entry(index: u32) -> vec2<f32> { return a[index]; }\n\
         fn finish(group: u32, total: vec2<f32>) {\n\
             var value = reduction.factor * total;\n\
             if reduction.finish == 1u { value = vec2<f32>(1.0 / (value.x + value.y), 0.0); }\n\
             result[reduction.place] = value;\n\
         }\n";
    let text = TEXT.replace("BINDINGS", &bindings).replace("BODY", body);
    let second = gpu.pipeline("reduction, second round", text)?;
    let many = groups(count);
    let uniform = |count: usize, factor: f64| Reduction {
        count: count as u32,
        kind: kind as u32,
        place: place as u32,
        finish: finish as u32,
        factor: factor as f32,
        zero: 0,
        padding: [0; 2],
    };
    let mut given: Vec<&Buffer> = buffers[..used].to_vec();
    given.push(&gpu.partials);
    Ok(vec![
        gpu.dispatch(&first, &uniform(count, inner), &given, many),
        gpu.dispatch(&second, &uniform(many[0], factor), &[&gpu.partials, &gpu.scalars], [1, 1, 1]),
    ])
}

impl DeviceVector {
    /// These numbers, rounded to f32.
    ///
    /// # Errors
    /// [`GpuError`] where there is no room for them.
    pub fn new(gpu: &Arc<Gpu>, values: &[f64]) -> Result<Self, GpuError> {
        let narrow: Vec<f32> = values.iter().map(|value| *value as f32).collect();
        let buffer = gpu.filled("a vector", &narrow)?;
        Ok(Self { gpu: Arc::clone(gpu), buffer, count: values.len() })
    }

    /// Its numbers, on the host.
    ///
    /// # Errors
    /// [`GpuError`] where the device failed.
    pub fn to_vec(&self) -> Result<Vec<f64>, GpuError> {
        Ok(self.gpu.read(&self.buffer, self.count)?.into_iter().map(f64::from).collect())
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn room(&self) -> Self {
        // Where there is none, the device has failed and says so.
        let buffer = self.gpu.buffer("a vector", self.count).unwrap_or_else(|error| {
            self.gpu.fail(error);
            self.buffer.clone()
        });
        Self { gpu: Arc::clone(&self.gpu), buffer, count: self.count }
    }

    /// Runs what could be prepared.
    fn attempt<T>(&self, prepared: Result<T, GpuError>, run: impl FnOnce(&Gpu, T) -> f64) -> f64 {
        match prepared {
            Ok(prepared) => run(&self.gpu, prepared),
            Err(error) => {
                self.gpu.fail(error);
                f64::NAN
            }
        }
    }

    fn reduced(&self, kind: Kind, others: [&Self; 2], inner: f64) -> f64 {
        let buffers = [&self.buffer, &others[0].buffer, &others[1].buffer];
        let prepared = reduction(&self.gpu, kind, buffers, self.count, inner, (0, Finish::Times, 1.0));
        self.attempt(prepared, |gpu, dispatches| gpu.reduce(&dispatches))
    }

    /// `body` for each entry, `a` and `b` being the others; `factor` and `operation.keep` are numbers.
    fn each(&self, others: &[&Self], body: &str, keep: f64, factor: Factor) -> Result<Dispatch, GpuError> {
        let names = ["a", "b"];
        let bindings: String = (0..others.len()).map(|index| binding(index + 3, names[index])).collect();
        let text = include_str!("shaders/vector.wgsl").replace("BINDINGS", &bindings).replace("BODY", body);
        let pipeline = self.gpu.pipeline("vector operation", text)?;
        let share = |slot: Option<usize>| if slot.is_some() { 1.0 } else { 0.0 };
        let operation = Operation {
            count: self.count as u32,
            a: factor.plus.unwrap_or(0) as u32,
            b: factor.minus.unwrap_or(0) as u32,
            keep: keep as f32,
            factor: factor.number as f32,
            plus: share(factor.plus),
            minus: share(factor.minus),
            padding: 0,
        };
        let mut buffers = vec![&self.gpu.scalars, &self.buffer];
        buffers.extend(others.iter().map(|other| &other.buffer));
        Ok(self.gpu.dispatch(&pipeline, &operation, &buffers, groups(self.count)))
    }

    /// `self = keep · self + factor · other`
    fn updated(&self, keep: f64, factor: Factor, other: &Self) -> Result<Dispatch, GpuError> {
        const BODY: &str = "var before = 0.0;\n\
            if operation.keep != 0.0 { before = operation.keep * own[index]; }\n\
            own[index] = before + factor * a[index];";
        self.each(&[other], BODY, keep, factor)
    }

    fn scaled(&self, factor: Factor) -> Result<Dispatch, GpuError> {
        self.each(&[], "own[index] *= factor;", 0.0, factor)
    }

    fn run(&self, prepared: Result<Dispatch, GpuError>) {
        self.attempt(prepared, |gpu, dispatch| {
            // Factors may be read from `scalars`, also where they are not used.
            let _guard = gpu.reduction();
            gpu.run(&[dispatch]);
            0.0
        });
    }

    /// The two-loop recursion, whose numbers stay on the device.
    fn direction(&self, gradient: &Self, pairs: &VecDeque<Pair<Self>>) -> Result<Vec<Dispatch>, GpuError> {
        const BETA: usize = MAX_HISTORY;
        const SCALE: usize = MAX_HISTORY + 1;
        let dot = |a: &Self, b: &Self, place: usize, finish: Finish, factor: f64| {
            reduction(&self.gpu, Kind::Dot, [&a.buffer, &b.buffer, &b.buffer], a.count, 1.0, (place, finish, factor))
        };
        let mut all = vec![self.updated(0.0, Factor::number(-1.0), gradient)?];
        for (index, pair) in pairs.iter().enumerate().rev() {
            all.extend(dot(&pair.s, self, index, Finish::Times, pair.rho)?);
            all.push(self.updated(1.0, Factor { minus: Some(index), ..Factor::default() }, &pair.y)?);
        }
        if let Some(last) = pairs.back() {
            all.extend(dot(&last.y, &last.y, SCALE, Finish::Reciprocal, last.rho)?);
            all.push(self.scaled(Factor { plus: Some(SCALE), ..Factor::default() })?);
        }
        for (index, pair) in pairs.iter().enumerate() {
            all.extend(dot(&pair.y, self, BETA, Finish::Times, pair.rho)?);
            let factor = Factor { number: 0.0, plus: Some(index), minus: Some(BETA) };
            all.push(self.updated(1.0, factor, &pair.s)?);
        }
        Ok(all)
    }
}

impl Clone for DeviceVector {
    fn clone(&self) -> Self {
        let mut copy = self.room();
        copy.set_scaled(1.0, self);
        copy
    }
}

impl Vector for DeviceVector {
    fn zeros_like(&self) -> Self {
        self.room()
    }

    fn dot(&self, other: &Self) -> f64 {
        self.reduced(Kind::Dot, [other, other], 1.0)
    }

    fn norm_one(&self) -> f64 {
        self.reduced(Kind::NormOne, [self, self], 1.0)
    }

    fn norm_max(&self) -> f64 {
        self.reduced(Kind::NormMax, [self, self], 1.0)
    }

    fn is_finite(&self) -> bool {
        self.reduced(Kind::NotFinite, [self, self], 1.0) == 0.0
    }

    fn is_sum(&self, a: &Self, factor: f64, b: &Self) -> bool {
        self.reduced(Kind::NotSum, [a, b], factor) == 0.0
    }

    fn set_sum(&mut self, a: &Self, factor: f64, b: &Self) {
        self.run(self.each(&[a, b], "own[index] = a[index] + factor * b[index];", 0.0, Factor::number(factor)));
    }

    fn set_scaled(&mut self, factor: f64, other: &Self) {
        self.run(self.updated(0.0, Factor::number(factor), other));
    }

    fn scale(&mut self, factor: f64) {
        self.run(self.scaled(Factor::number(factor)));
    }

    fn add_scaled(&mut self, factor: f64, other: &Self) {
        self.run(self.updated(1.0, Factor::number(factor), other));
    }

    fn adam_step(&mut self, gradient: &Self, mean: &mut Self, square: &mut Self, step: &AdamStep) {
        let prepared = self.gpu.pipeline("adam", include_str!("shaders/adam.wgsl").to_owned()).map(|pipeline| {
            let uniform = Step {
                count: self.count as u32,
                rate: step.rate as f32,
                keep_mean: step.keep_mean as f32,
                keep_square: step.keep_square as f32,
                mean_correction: step.mean_correction as f32,
                square_correction: step.square_correction as f32,
                smallest: step.smallest as f32,
                padding: 0,
            };
            let buffers = [&gradient.buffer, &self.buffer, &mean.buffer, &square.buffer];
            self.gpu.dispatch(&pipeline, &uniform, &buffers, groups(self.count))
        });
        self.run(prepared);
    }

    fn set_direction(&mut self, gradient: &Self, pairs: &VecDeque<Pair<Self>>) {
        self.attempt(self.direction(gradient, pairs), |gpu, dispatches| {
            let _guard = gpu.reduction();
            gpu.run(&dispatches);
            0.0
        });
    }
}
