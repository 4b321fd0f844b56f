minor|LM cartridge is low on ink|
