; The installer of the Plotmeter collector for Windows.
;
;   makensis -DVERSION=0.1.0 -DPROGRAM=target\x86_64-pc-windows-gnu\release\plotmeter.exe plotmeter.nsi
;
;   plotmeter-collector-0.1.0.exe /S                     installs or updates without asking
;   plotmeter-collector-0.1.0.exe /S /FILE=C:\x.plotmeter /CONFIRM="Name of the account"
;                                              enrols as well, and starts the service
;   uninstall.exe /S                           removes the program; keys and what waits to be sent stay
;   uninstall.exe /S /PURGE                    removes them too
;
; Deliberately absent: downloads, an updater, and anything that starts before it is enrolled.

Unicode true
ManifestDPIAware true
RequestExecutionLevel admin
SetCompressor /SOLID lzma

!include "FileFunc.nsh"
!include "LogicLib.nsh"
!include "x64.nsh"

!ifndef VERSION
  !error "say which version: -DVERSION=0.1.0"
!endif
!ifndef PROGRAM
  !error "say where the program is: -DPROGRAM=plotmeter.exe"
!endif
!ifndef OUTPUT
  !define OUTPUT "plotmeter-collector-${VERSION}.exe"
!endif

!define SERVICE "Plotmeter"
!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\Plotmeter"

Name "Plotmeter collector ${VERSION}"
OutFile "${OUTPUT}"
InstallDir "$PROGRAMFILES64\Plotmeter"
InstallDirRegKey HKLM "Software\Plotmeter" "Folder"
ShowInstDetails show

Page directory
Page instfiles
UninstPage uninstConfirm
UninstPage instfiles

Var Data
Var Enrolment
Var Account
Var WasRunning

; Where keys, spool and configuration are: C:\ProgramData\Plotmeter.
!macro FindData
  SetShellVarContext all
  StrCpy $Data "$APPDATA\Plotmeter"
!macroend

; Runs a command and stops the installation where it fails.
!macro Must COMMAND WHAT
  nsExec::ExecToLog '${COMMAND}'
  Pop $0
  ${If} $0 != 0
    DetailPrint "${WHAT} failed ($0)"
    SetErrorLevel 1
    Abort "${WHAT} failed"
  ${EndIf}
!macroend

Function .onInit
  ${IfNot} ${RunningX64}
    SetErrorLevel 1
    Abort "Plotmeter needs 64-bit Windows"
  ${EndIf}
  SetRegView 64
  !insertmacro FindData
  ${GetParameters} $0
  ${GetOptions} $0 "/FILE=" $Enrolment
  ${GetOptions} $0 "/CONFIRM=" $Account
FunctionEnd

Function un.onInit
  SetRegView 64
  !insertmacro FindData
FunctionEnd

Section "Collector"
  ; An update: the service stops, and starts again afterwards. What waits to be sent stays where it is.
  nsExec::ExecToStack 'sc.exe stop ${SERVICE}'
  Pop $WasRunning
  Pop $0
  ${If} $WasRunning == 0
    ; The service ends what is under way; the file of the program is free after that.
    StrCpy $1 0
    ${Do}
      Sleep 500
      IntOp $1 $1 + 1
      nsExec::ExecToStack 'cmd.exe /c sc.exe query ${SERVICE} | find "STOPPED"'
      Pop $0
      Pop $2
      ${If} $1 > 120
        StrCpy $0 0
      ${EndIf}
    ${LoopUntil} $0 == 0
  ${EndIf}

  SetOutPath "$INSTDIR"
  File "/oname=plotmeter.exe" "${PROGRAM}"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr HKLM "Software\Plotmeter" "Folder" "$INSTDIR"

  CreateDirectory "$Data"
  ; Only the service's account, the system and administrators: there are keys in it.
  !insertmacro Must 'icacls.exe "$Data" /inheritance:r /grant:r *S-1-5-18:(OI)(CI)F *S-1-5-32-544:(OI)(CI)F *S-1-5-19:(OI)(CI)M' "protecting the data folder"
  ${IfNot} ${FileExists} "$Data\collector.toml"
    !insertmacro Must 'cmd.exe /c ""$INSTDIR\plotmeter.exe" collector default-config > "$Data\collector.toml""' "writing the configuration"
  ${EndIf}

  ; The source of events in the event log; its texts are those of the system's own EventCreate.exe.
  WriteRegExpandStr HKLM "SYSTEM\CurrentControlSet\Services\EventLog\Application\Plotmeter" "EventMessageFile" "%SystemRoot%\System32\EventCreate.exe"
  WriteRegDWORD HKLM "SYSTEM\CurrentControlSet\Services\EventLog\Application\Plotmeter" "TypesSupported" 7

  !insertmacro Must '"$INSTDIR\plotmeter.exe" collector service install --config "$Data\collector.toml"' "installing the service"

  ${If} $Enrolment != ""
    !insertmacro Must '"$INSTDIR\plotmeter.exe" collector enrol "$Enrolment" --again --confirm "$Account" --config "$Data\collector.toml"' "enrolling"
  ${EndIf}
  ${If} $WasRunning == 0
  ${OrIf} $Enrolment != ""
    nsExec::ExecToLog 'sc.exe start ${SERVICE}'
    Pop $0
  ${EndIf}

  WriteRegStr HKLM "${UNINSTALL}" "DisplayName" "Plotmeter collector"
  WriteRegStr HKLM "${UNINSTALL}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKLM "${UNINSTALL}" "Publisher" "Plotmeter"
  WriteRegStr HKLM "${UNINSTALL}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKLM "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKLM "${UNINSTALL}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKLM "${UNINSTALL}" "NoModify" 1
  WriteRegDWORD HKLM "${UNINSTALL}" "NoRepair" 1
SectionEnd

Section "Uninstall"
  nsExec::ExecToLog '"$INSTDIR\plotmeter.exe" collector service uninstall'
  Pop $0
  Delete "$INSTDIR\plotmeter.exe"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  DeleteRegKey HKLM "SYSTEM\CurrentControlSet\Services\EventLog\Application\Plotmeter"
  DeleteRegKey HKLM "Software\Plotmeter"
  DeleteRegKey HKLM "${UNINSTALL}"
  ; Keys and unsent records stay unless somebody says otherwise.
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/PURGE" $1
  ${IfNot} ${Errors}
    RMDir /r "$Data"
  ${EndIf}
SectionEnd
