//! Tables for people.

use unicode_width::UnicodeWidthStr;

/// Columns as wide as their widest cell, two spaces apart.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    /// So many columns stand on the left, the others on the right.
    left: usize,
}

impl Table {
    pub(crate) fn new<S: ToString>(head: impl IntoIterator<Item = S>) -> Table {
        Table { rows: vec![head.into_iter().map(|cell| cell.to_string()).collect()], left: 0 }
    }

    pub(crate) fn left(self, columns: usize) -> Table {
        Table { left: columns, ..self }
    }

    pub(crate) fn row<S: ToString>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(|cell| cell.to_string()).collect());
    }

    pub(crate) fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let cells = |column: usize| self.rows.iter().filter_map(move |row| row.get(column));
        let widths: Vec<usize> = (0..columns)
            .map(|column| cells(column).map(|cell| cell.width()).max().unwrap_or(0))
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let separator = if column == 0 { "" } else { "  " };
                let space = " ".repeat(width - cell.width());
                line += separator;
                line += &if column < self.left {
                    format!("{cell}{space}")
                } else {
                    format!("{space}{cell}")
                };
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["name", "1→2", ""]).left(1);
        table.row(["a", "10.5 %", ""]);
        assert_eq!(table.text(), "name     1→2\na     10.5 %\n");
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let mut table = Table::new(["a", "b"]).left(1);
        table.row(["東京", "1"]);
        assert_eq!(table.text(), "a     b\n東京  1\n");
    }
}
