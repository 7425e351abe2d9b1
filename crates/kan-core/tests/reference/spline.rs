//! Splines alone.

use crate::model::assert_close;
use kanrl_core::spline;
use kanrl_reference_data::Tensors;

#[test]
fn splines_are_pykans() {
    for file in kanrl_reference_data::files("kan", "json").iter().filter(|file| file.ends_with("spline.json")) {
        let tensors = Tensors::read(&file.with_extension("safetensors"));
        for case in kanrl_reference_data::read_json(file)["cases"].as_array().expect("cases") {
            let name = case["name"].as_str().expect("a name");
            let degree = case["k"].as_u64().expect("a degree") as usize;
            if tensors.find(&format!("{name}/B")).is_some() {
                values(&tensors, name, degree);
                fit(&tensors, name, degree, &case["fit_full_rank"]);
            } else {
                rank_deficient(&tensors, name, degree);
            }
        }
    }
}

fn rows<'a>(tensors: &'a Tensors, name: &str) -> Vec<&'a [f64]> {
    let tensor = tensors.get(name);
    tensor.values.chunks_exact(tensor.values.len() / tensor.shape[0]).collect()
}

fn values(tensors: &Tensors, name: &str, degree: usize) {
    let get = |part: &str| tensors.get(&format!("{name}/{part}"));
    for (inner, knots) in rows(tensors, &format!("{name}/inner")).iter().zip(rows(tensors, &format!("{name}/grid"))) {
        assert_close(&format!("{name} knots"), &spline::extend_knots(inner, degree), knots, 1e-15);
    }
    let (inputs, curves) = (get("coef").shape[0], get("coef").shape[1]);
    let knots = rows(tensors, &format!("{name}/grid"));
    let count = get("coef").shape[2];
    let coefficients = |input: usize, curve: usize| {
        let start = (input * curves + curve) * count;
        &get("coef").values[start..start + count]
    };
    let (mut basis, mut curve_values, mut slopes) = (Vec::new(), Vec::new(), Vec::new());
    let mut by_coefficients = vec![0.0; get("coef").values.len()];
    let weights = &get("w").values;
    for (index, x) in get("x").values.iter().enumerate() {
        let input = index % inputs;
        let mut own = vec![0.0; count];
        spline::for_each_basis(knots[input], degree, *x, |basis, value, _| own[basis] = value);
        let mut slope = 0.0;
        for curve in 0..curves {
            let weight = weights[index * curves + curve];
            let (value, derivative) = spline::evaluate(knots[input], degree, coefficients(input, curve), *x);
            curve_values.push(value);
            slope += weight * derivative;
            for (basis, value) in own.iter().enumerate() {
                by_coefficients[(input * curves + curve) * count + basis] += weight * value;
            }
        }
        slopes.push(slope);
        basis.extend(own);
    }
    // Derivatives at a knot depend on the side for degree 1; both sides are taken as the interval right of it.
    assert_close(&format!("{name} B"), &basis, &get("B").values, 1e-10);
    assert_close(&format!("{name} curve"), &curve_values, &get("curve").values, 1e-10);
    assert_close(&format!("{name} grad_x"), &slopes, &get("grad_x").values, 1e-10);
    assert_close(&format!("{name} grad_coef"), &by_coefficients, &get("grad_coef").values, 1e-10);
}

fn fit(tensors: &Tensors, name: &str, degree: usize, full_rank: &serde_json::Value) {
    let get = |part: &str| tensors.get(&format!("{name}/{part}"));
    let (inputs, curves, count) = (get("coef").shape[0], get("coef").shape[1], get("coef").shape[2]);
    for input in (0..inputs).filter(|input| full_rank[*input].as_bool() == Some(true)) {
        let x: Vec<f64> = get("fit_x").values.iter().skip(input).step_by(inputs).copied().collect();
        let samples = get("fit_y").values.chunks_exact(curves).skip(input).step_by(inputs);
        let y: Vec<f64> = samples.flatten().copied().collect();
        let fitted = spline::least_squares(rows(tensors, &format!("{name}/grid"))[input], degree, &x, &y, curves);
        let wanted = &get("fit_coef").values[input * curves * count..(input + 1) * curves * count];
        let knots = rows(tensors, &format!("{name}/grid"))[input];
        assert_close(
            &format!("{name} fit of input {input}"),
            &fitted,
            wanted,
            1e-10_f64.max(conditioning(knots, degree, &x)),
        );
    }
}

/// How far two correct solvers may be apart: rounding times the condition number of the problem.
fn conditioning(knots: &[f64], degree: usize, x: &[f64]) -> f64 {
    let mut matrix = nalgebra::DMatrix::<f64>::zeros(x.len(), spline::basis_count(knots, degree));
    for (row, x) in x.iter().enumerate() {
        spline::for_each_basis(knots, degree, *x, |basis, value, _| matrix[(row, basis)] = value);
    }
    let values = matrix.singular_values();
    10.0 * f64::EPSILON * values.max() / values.min()
}

fn rank_deficient(tensors: &Tensors, name: &str, degree: usize) {
    let get = |part: &str| tensors.get(&format!("{name}/{part}"));
    let curves = get("fit_y").shape[2];
    let knots = &get("grid").values;
    let fitted = spline::least_squares(knots, degree, &get("fit_x").values, &get("fit_y").values, curves);
    assert_close(&format!("{name} fit"), &fitted, &get("fit_coef_minnorm").values, 1e-10);
    let count = fitted.len() / curves;
    let values: Vec<f64> = get("fit_x")
        .values
        .iter()
        .flat_map(|x| {
            fitted.chunks_exact(count).map(|own| spline::evaluate(knots, degree, own, *x).0).collect::<Vec<_>>()
        })
        .collect();
    assert_close(&format!("{name} curve"), &values, &get("fit_curve_minnorm").values, 1e-10);
}
