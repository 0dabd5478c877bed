"""`python -m deploy.grafana` writes the dashboards."""

from pathlib import Path

from deploy.grafana.files import FOLDER, documents


def main(folder: Path = FOLDER) -> None:
    """Write every dashboard into a folder."""
    for name, text in documents().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
