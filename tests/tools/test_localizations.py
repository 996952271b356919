"""Localizations for the WebUI, which looks up whole texts of its page."""

from tools.localizations import file_name, localization


def test_texts_are_as_the_webui_shows_them():
    texts = localization("fr")
    assert texts["Opacity"] == "Opacité"
    assert texts["More on restoration"] == "Autres réglages : restauration"
    assert texts["(1 shows the restored face, 0 the input.)"] == "(1 montre le visage restauré, 0 l'entrée.)"
    checkbox = "Detect rotated faces (also look at the image turned by 90, 180 and 270 degrees)"
    assert texts[checkbox].startswith("Détecter les visages tournés (chercher aussi")
    assert not [text for text in texts if "{" in text]


def test_a_new_language_needs_no_code():
    assert file_name("zh") == "zh_CN.json"
    assert file_name("pt-BR") == "pt_BR.json"
