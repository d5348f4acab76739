"""What the rich-text editor offers. The sanitiser allows what it can write, and a little more for pasted HTML."""

from typing import Any

EXTENSIONS: dict[str, Any] = {
    "Bold": True,
    "Italic": True,
    "Heading": {"levels": [2, 3]},
    "BulletList": True,
    "OrderedList": True,
    "ListItem": True,
    "Link": {"enableTarget": False, "protocols": ["http", "https", "mailto", "tel"]},
    "Blockquote": True,
    "HorizontalRule": True,
    "HardBreak": True,
    # Those that were added to the draft; its own menu has no button for others.
    "Image": True,
    "Table": True,
    "TableRow": True,
    "TableHeader": True,
    "TableCell": True,
    # On unless told otherwise, and then browsers do not mark misspelled words.
    "NoSpellCheck": False,
}
