//! Compares the network with pykan's recorded numbers.

mod forward;
mod grid;
mod model;
mod prune;
mod spline;
mod training;
