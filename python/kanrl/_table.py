"""Small tables: lists of rows that print well."""

from html import escape


class Table(list):
    """Rows, each a dictionary with the same keys. Prints aligned, is an HTML table in a notebook."""

    def to_pandas(self):
        """The table as a `pandas.DataFrame`."""
        from kanrl._optional import needed

        return needed("pandas", "pandas").DataFrame(list(self))

    def _cells(self):
        columns = list(self[0]) if self else []
        return columns, [[_text(row.get(column)) for column in columns] for row in self]

    def __str__(self):
        columns, rows = self._cells()
        widths = [max(map(len, cells)) for cells in zip(columns, *rows)]
        lines = [
            "  ".join(
                cell.ljust(width) if index == 0 else cell.rjust(width)
                for index, (cell, width) in enumerate(zip(cells, widths))
            ).rstrip()
            for cells in [columns, *rows]
        ]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self):
        columns, rows = self._cells()
        head = "".join(f"<th>{escape(column)}</th>" for column in columns)
        body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>" for cells in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(value):
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1 else f"{value:.2f}"
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(_text(part) for part in value)}]"
    return str(value)
