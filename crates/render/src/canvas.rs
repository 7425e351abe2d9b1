use crate::Color;
use kanrl_core::environment::Frame;
use tiny_skia::{FillRule, Paint, Path, PathBuilder, Pixmap, Stroke, Transform};

/// How world coordinates, y upwards, lie on the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// World x at the picture's left edge.
    pub left: f64,
    /// World y at the picture's lower edge.
    pub bottom: f64,
    /// Pixels per unit.
    pub scale: f64,
}

/// A picture to draw on, with anti-aliased edges. Points are `[x, y]` in the [`View`], at first pixels from the lower
/// left corner; the widths of lines are in pixels. Shapes with coordinates that are not finite are left out.
#[derive(Clone, Debug)]
pub struct Canvas {
    pixmap: Pixmap,
    view: View,
}

impl Canvas {
    /// A picture of one color.
    ///
    /// # Panics
    /// If a side is 0 or the picture too large to be held.
    pub fn new(width: u32, height: u32, background: Color) -> Self {
        let mut pixmap = Pixmap::new(width, height).expect("a picture has at least one pixel and fits in memory");
        let [red, green, blue] = background;
        pixmap.fill(tiny_skia::Color::from_rgba8(red, green, blue, 255));
        Self { pixmap, view: View { left: 0.0, bottom: 0.0, scale: 1.0 } }
    }

    /// Sets what the points of later shapes mean.
    pub fn set_view(&mut self, view: View) {
        self.view = view;
    }

    /// Fills a polygon, which closes itself.
    pub fn fill_polygon(&mut self, points: &[[f64; 2]], color: Color) {
        self.fill(self.path(points, true), color);
    }

    /// Draws a polygon's outline.
    pub fn stroke_polygon(&mut self, points: &[[f64; 2]], width: f64, color: Color) {
        self.stroke(self.path(points, true), width, color);
    }

    /// Draws a line through all points.
    pub fn stroke_line(&mut self, points: &[[f64; 2]], width: f64, color: Color) {
        self.stroke(self.path(points, false), width, color);
    }

    /// Fills a circle; the radius is in world units.
    pub fn fill_circle(&mut self, center: [f64; 2], radius: f64, color: Color) {
        self.fill(self.circle(center, radius), color);
    }

    /// Draws a circle's outline; the radius is in world units.
    pub fn stroke_circle(&mut self, center: [f64; 2], radius: f64, width: f64, color: Color) {
        self.stroke(self.circle(center, radius), width, color);
    }

    /// The finished picture.
    pub fn into_frame(self) -> Frame {
        let (width, height) = (self.pixmap.width() as usize, self.pixmap.height() as usize);
        let rgb = self.pixmap.pixels().iter().flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).collect();
        Frame { width, height, rgb }
    }

    fn pixel(&self, [x, y]: [f64; 2]) -> (f32, f32) {
        let View { left, bottom, scale } = self.view;
        (((x - left) * scale) as f32, (f64::from(self.pixmap.height()) - (y - bottom) * scale) as f32)
    }

    fn path(&self, points: &[[f64; 2]], closed: bool) -> Option<Path> {
        let mut builder = PathBuilder::new();
        for (index, point) in points.iter().enumerate() {
            let (x, y) = self.pixel(*point);
            if index == 0 { builder.move_to(x, y) } else { builder.line_to(x, y) }
        }
        if closed {
            builder.close();
        }
        builder.finish()
    }

    fn circle(&self, center: [f64; 2], radius: f64) -> Option<Path> {
        let (x, y) = self.pixel(center);
        PathBuilder::from_circle(x, y, (radius * self.view.scale) as f32)
    }

    fn fill(&mut self, path: Option<Path>, color: Color) {
        if let Some(path) = path {
            self.pixmap.fill_path(&path, &paint(color), FillRule::Winding, Transform::identity(), None);
        }
    }

    fn stroke(&mut self, path: Option<Path>, width: f64, color: Color) {
        if let Some(path) = path {
            let stroke = Stroke { width: width as f32, ..Stroke::default() };
            self.pixmap.stroke_path(&path, &paint(color), &stroke, Transform::identity(), None);
        }
    }
}

fn paint([red, green, blue]: Color) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(red, green, blue, 255);
    paint
}

#[cfg(test)]
mod tests {
    use super::Canvas;

    #[test]
    fn edges_are_smooth_and_bad_coordinates_are_left_out() {
        let white = [255; 3];
        let blank = Canvas::new(8, 8, white).into_frame();
        let mut canvas = Canvas::new(8, 8, white);
        canvas.fill_polygon(&[[0.0, 0.0], [f64::NAN, 4.0], [4.0, 0.0]], [0; 3]);
        canvas.fill_circle([4.0, 4.0], f64::INFINITY, [0; 3]);
        canvas.stroke_line(&[], 1.0, [0; 3]);
        assert_eq!(canvas.clone().into_frame(), blank);
        canvas.fill_polygon(&[[0.0, 0.0], [8.0, 0.0], [0.0, 7.0]], [0; 3]);
        let frame = canvas.into_frame();
        assert!(frame.rgb.iter().any(|value| (1..255).contains(value)), "an anti-aliased slope");
        let lower_left = &frame.rgb[7 * 8 * 3..][..3];
        assert_eq!((&frame.rgb[..3], lower_left), (&[255; 3][..], &[0; 3][..]));
    }
}
