// A multiplication node: the product of its factors' values into a column of its own, and back.

struct Product {
    stride: u32,
    column: u32,
    first: u32,
    factors: u32,
}

@group(0) @binding(0) var<uniform> product: Product;
@group(0) @binding(1) var<storage, read> affine: array<vec2<f32>>;
BINDINGS

fn factor(index: u32, row: u32) -> f32 {
    let column = product.first + index;
    return affine[column].x * sums[column * product.stride + row] + affine[column].y;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) thread: vec3<u32>) {
    let row = thread.x;
    BODY
}
