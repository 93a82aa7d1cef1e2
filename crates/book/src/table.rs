//! A table as Markdown.

/// A head and rows; columns are on the right but for the first few.
pub struct Table {
    rows: Vec<Vec<String>>,
    left: usize,
}

impl Table {
    pub fn new<S: ToString>(head: impl IntoIterator<Item = S>) -> Table {
        Table { rows: vec![head.into_iter().map(|cell| cell.to_string()).collect()], left: 0 }
    }

    pub fn left(self, columns: usize) -> Table {
        Table { left: columns, ..self }
    }

    pub fn row<S: ToString>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(|cell| cell.to_string()).collect());
    }

    pub fn text(&self) -> String {
        let line = |cells: &[String]| {
            format!(
                "| {} |\n",
                cells.iter().map(|cell| cell.replace('|', "\\|")).collect::<Vec<_>>().join(" | ")
            )
        };
        let rules =
            (0..self.rows[0].len()).map(|column| if column < self.left { "---" } else { "---:" });
        let rules: String = rules.map(|rule| format!("{rule}|")).collect();
        let rows: String = self.rows[1..].iter().map(|row| line(row)).collect();
        format!("{}|{rules}\n{rows}", line(&self.rows[0]))
    }
}
