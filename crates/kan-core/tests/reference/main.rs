//! Compares the network with pykan's recorded numbers.

mod forward;
mod grid;
mod model;
mod old;
mod prune;
mod spline;
mod training;
